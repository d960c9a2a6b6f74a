import { randomBytes } from 'node:crypto'
import { ConfigError, createAuth, memoryStore } from 'jotward'
import type { JwksDocument } from 'jotward'
import { readSigningKeys } from '../signing-keys.ts'
import { UsageError } from '../usage-error.ts'
import { command } from './command.ts'
import { endWithOutput, print } from './output.ts'

/** What a server with these keys would publish, from the same code; the names of this one do not matter. */
const publishedBy = (file: string): JwksDocument => {
  const name = 'jotward keys public'
  const auth = createAuth({
    issuer: name,
    audience: name,
    keys: readSigningKeys(file, 'FILE'),
    refreshToken: { secret: randomBytes(32) },
    store: memoryStore(),
  })
  return auth.jwks()
}

const publicSet = (file: string): JwksDocument => {
  try {
    return publishedBy(file)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new UsageError(
      error.problems.map(({ path, problem }) => `${path.replace(/^keys\./, '')}: ${problem}`).join('; '),
    )
  }
}

/** `jotward keys public`: what verifiers need of a file that `keys generate` has made, or of a ring. */
export const keysPublic = command({
  name: 'jotward keys public',
  description: 'Prints the JWK Set with the public half of a private JWK, or of each in a ring',
  args: { file: { type: 'positional', required: true, description: 'A file as JOTWARD_SIGNING_KEY names it' } },
  run: async ({ file }) => {
    endWithOutput()
    const set = publicSet(file)
    if (set.keys.length === 0) throw new UsageError(`${file} holds a secret, which has no public half`)
    await print(`${JSON.stringify(set, null, 2)}\n`)
    return 0
  },
})
