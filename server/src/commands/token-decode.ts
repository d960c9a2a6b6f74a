import { AuthError, decodeUnverified } from 'jotward'
import { command } from './command.ts'
import type { ExitCode } from './command.ts'
import { isBlank, lineBatches } from './input-lines.ts'
import { endWithOutput, print } from './output.ts'

const MAX_TOKEN_BYTES = 65_536

const decode = (token: string): string | null => {
  try {
    const { header, payload } = decodeUnverified(token, { maxBytes: MAX_TOKEN_BYTES })
    return JSON.stringify({ unverified: true, header, claims: payload })
  } catch (error) {
    if (error instanceof AuthError) return null
    throw error
  }
}

const decodeAll = async (tokens: readonly string[]): Promise<ExitCode> => {
  const decoded = tokens.map((token) => decode(token))
  await print(decoded.map((text) => (text === null ? '' : `${text}\n`)).join(''))
  const malformed = decoded.filter((text) => text === null).length
  if (malformed > 0)
    process.stderr.write(`jotward: ${malformed} of ${tokens.length} read: not a compact JWS (RFC 7515 §7.1)\n`)
  return malformed > 0 ? 1 : 0
}

/** `jotward token decode`: what a token claims, without any proof of it. */
export const tokenDecode = command({
  name: 'jotward token decode',
  description: 'Shows header and claims of tokens WITHOUT verifying them',
  args: {
    token: {
      type: 'positional',
      required: false,
      description:
        'Without it, one token a line of standard input, which other users cannot see in the list of processes',
    },
  },
  run: async ({ token }) => {
    endWithOutput()
    if (token !== undefined) return decodeAll([token])
    let code: ExitCode = 0
    for await (const lines of lineBatches(process.stdin, MAX_TOKEN_BYTES + 1)) {
      const tokens = lines.filter((line) => !isBlank(line))
      if ((await decodeAll(tokens)) !== 0) code = 1
    }
    return code
  },
})
