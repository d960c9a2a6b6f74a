import { checkPassword } from 'jotward'
import { randomPassword } from '../accounts.ts'
import type { Settings } from '../settings.ts'
import { UsageError } from '../usage-error.ts'

/** More than any password may have, so that a longer one is refused and not cut off. */
const MAX_INPUT_BYTES = 65_536

/** The option that both commands with a password take. */
export const PASSWORD_OPTION = {
  type: 'boolean',
  description: 'Reads the password from standard input; else one is made and shown',
} as const

const readPassword = async (): Promise<string> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin) {
    // Standard input yields Buffers as long as nobody sets an encoding.
    const bytes = chunk as Buffer
    chunks.push(bytes)
    size += bytes.length
    if (size > MAX_INPUT_BYTES) break
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

/** A password that may be chosen, and what to tell of it. */
export interface ChosenPassword {
  readonly password: string
  /** The password where it was made here, for nobody else knows it. */
  readonly announcement: string
}

/**
 * The password from standard input, or a new one.
 *
 * @throws UsageError where the policy refuses it
 */
export const choosePassword = async (
  email: string,
  fromInput: boolean,
  { passwordMinLength }: Settings,
): Promise<ChosenPassword> => {
  if (!fromInput) {
    const password = randomPassword()
    const words = `${email} can sign in now, with this password, which is kept nowhere:`
    return { password, announcement: `${words}\n${password}\n` }
  }
  const password = await readPassword()
  const problem = checkPassword(password, { minLength: passwordMinLength, context: [email, 'jotward'] })
  if (problem !== null) throw new UsageError(`the password ${problem}`)
  return { password, announcement: `${email} can sign in now.\n` }
}
