import { canonicalEmail, checkPassword, createPasswordCheck } from 'jotward'
import { addAccount, randomPassword } from '../accounts.ts'
import type { Account } from '../accounts.ts'
import { argon2Hasher } from '../argon2-hasher.ts'
import { openDataFolder } from '../data-folder.ts'
import { readEnvironment } from '../environment.ts'
import { openStore } from '../open-store.ts'
import { readSettings } from '../settings.ts'
import type { Settings } from '../settings.ts'
import { UsageError } from '../usage-error.ts'
import { command } from './command.ts'
import { print } from './output.ts'

/** More than any password may have, so that a longer one is refused and not cut off. */
const MAX_INPUT_BYTES = 65_536

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

/** Permission names are RFC 6749 §3.3 scope tokens. */
const readPermissions = (text: string): string[] => {
  const names = text.split(',').filter((name) => name !== '')
  const wrong = names.find((name) => !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(name))
  if (wrong !== undefined) throw new UsageError(`--permissions: ${JSON.stringify(wrong)} is not a permission name`)
  return names
}

const readEmail = (email: string): string => {
  if (canonicalEmail(email) !== null) return email
  throw new UsageError(`--email: ${JSON.stringify(email)} is not an e-mail address`)
}

const checkedPassword = async (email: string, { passwordMinLength }: Settings): Promise<string> => {
  const password = await readPassword()
  const problem = checkPassword(password, { minLength: passwordMinLength, context: [email, 'jotward'] })
  if (problem !== null) throw new UsageError(`the password ${problem}`)
  return password
}

/** Adds the account to the server's own database; false where the address is taken. */
const create = async (settings: Settings, account: Account): Promise<boolean> => {
  const store = await openStore(openDataFolder(settings.dataFolder).databaseFile)
  try {
    const added = await addAccount({ users: store.users, passwords: createPasswordCheck(argon2Hasher()) }, account)
    return added !== null
  } finally {
    await store.close()
  }
}

/** `jotward user create`: an account, also while the server runs, and also where signing up is closed. */
export const userCreate = command({
  name: 'jotward user create',
  description: 'Adds a user to the data folder of the server (JOTWARD_DATA)',
  args: {
    email: { type: 'string', required: true, description: 'Address to sign in with' },
    permissions: { type: 'string', default: '', valueHint: 'p1,p2', description: '"admin" includes every other' },
    'password-stdin': {
      type: 'boolean',
      description: 'Reads the password from standard input; else one is made and shown',
    },
  },
  run: async (args) => {
    const email = readEmail(args.email)
    const permissions = readPermissions(args.permissions)
    // Another user of the machine must not read the password hashes.
    process.umask(0o077)
    const settings = readSettings(readEnvironment(process.cwd(), process.env))
    const given = args['password-stdin'] === true
    const password = given ? await checkedPassword(email, settings) : randomPassword()
    if (!(await create(settings, { email, password, permissions }))) {
      process.stderr.write(`jotward: the address ${email} has an account already\n`)
      return 1
    }
    await print(
      given
        ? `${email} can sign in now.\n`
        : `${email} can sign in now, with this password, which is kept nowhere:\n${password}\n`,
    )
    return 0
  },
})
