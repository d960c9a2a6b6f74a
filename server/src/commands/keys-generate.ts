import { createPublicKey } from 'node:crypto'
import type { JsonWebKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { ALGORITHM_NAMES, generateJwk } from 'jotward'
import { errorCode } from '../error-code.ts'
import { UsageError } from '../usage-error.ts'
import { command } from './command.ts'
import { endWithOutput, print } from './output.ts'
import { readAlgorithm } from './read-algorithm.ts'

/** Never over a file that is there: it may be the only copy of a key. */
const writeKey = (file: string, text: string): void => {
  try {
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 })
  } catch (cause) {
    const code = errorCode(cause)
    throw new UsageError(`--out: ${file} ${code === 'EEXIST' ? 'exists already' : `cannot be written (${code})`}`)
  }
}

const publicSet = (jwk: JsonWebKey): { readonly keys: readonly JsonWebKey[] } => {
  const { kid, alg, use } = jwk
  return { keys: [{ ...createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'jwk' }), kid, alg, use }] }
}

const asText = (value: object): string => `${JSON.stringify(value, null, 2)}\n`

/** `jotward keys generate`: a new key for signing, and what others may know of it. */
export const keysGenerate = command({
  name: 'jotward keys generate',
  description: 'Makes a private JWK for signing tokens',
  args: {
    alg: { type: 'string', default: 'EdDSA', valueHint: 'A', description: ALGORITHM_NAMES.join(', ') },
    out: {
      type: 'string',
      valueHint: 'FILE',
      description: 'Writes the private JWK there (mode 0600), not to standard output',
    },
    public: { type: 'boolean', description: 'Prints the JWK Set with the public half; needs --out' },
  },
  run: async ({ alg, out, public: withPublic }) => {
    const algorithm = readAlgorithm(alg)
    if (withPublic === true && out === undefined)
      throw new UsageError('--public needs --out, or the private JWK would be lost')
    if (withPublic === true && algorithm.startsWith('HS')) {
      throw new UsageError(`--public: a key for ${algorithm} is a secret and has no public half`)
    }
    endWithOutput()
    const jwk = generateJwk(algorithm)
    if (out === undefined) await print(asText(jwk))
    else writeKey(out, asText(jwk))
    if (withPublic === true) await print(asText(publicSet(jwk)))
    return 0
  },
})
