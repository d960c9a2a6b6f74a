import { readFileSync } from 'node:fs'
import { ConfigError } from 'jotward'
import type { KeyRingConfig } from 'jotward'
import { isSharedWithOthers } from './data-folder.ts'
import { errorCode } from './error-code.ts'

const refuse = (problem: string): ConfigError => new ConfigError([{ path: 'JOTWARD_SIGNING_KEY', problem }])

const parse = (file: string): object => {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return typeof value === 'object' && value !== null ? value : {}
  } catch (cause) {
    // The words of a syntax error may quote the file, and with it the key.
    const reason = cause instanceof SyntaxError ? 'is not JSON' : `cannot be read (${errorCode(cause)})`
    throw refuse(`${file} ${reason}; \`jotward keys generate --out FILE\` makes one`)
  }
}

/**
 * The keys in a file: a private JWK, or a whole ring (`current`, `next`, `retiring`) while one key follows another.
 * Whether they are good for signing, the engine finds out.
 *
 * @throws ConfigError where the file cannot be read, is not JSON, or others may read it
 */
export const readSigningKeys = (file: string): KeyRingConfig => {
  const keys = parse(file)
  if (isSharedWithOthers(file)) {
    throw refuse(`other users may read ${file}; run "chmod 600 ${file}", and replace the key if any of them has`)
  }
  // Read by the engine like everything that comes from outside: nothing rests on this type.
  return 'current' in keys ? (keys as KeyRingConfig) : { current: keys as KeyRingConfig['current'] }
}
