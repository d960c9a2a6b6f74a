import { readFileSync } from 'node:fs'
import { ConfigError } from 'jotward'
import type { KeyRingConfig } from 'jotward'
import { isSharedWithOthers } from './data-folder.ts'
import { errorCode } from './error-code.ts'
import { fileRemedy } from './file-remedy.ts'

/** The setting that names the file. */
export const SIGNING_KEY_VARIABLE = 'JOTWARD_SIGNING_KEY'

const refuse = (path: string, problem: string): ConfigError => new ConfigError([{ path, problem }])

const parse = (file: string, path: string): object => {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return typeof value === 'object' && value !== null ? value : {}
  } catch (cause) {
    // The words of a syntax error may quote the file, and with it the key.
    const remedy = '`jotward keys generate --out FILE` makes one'
    if (cause instanceof SyntaxError) throw refuse(path, `${file} is not JSON; ${remedy}`)
    const code = errorCode(cause)
    throw refuse(path, `${file} cannot be read (${code}); ${fileRemedy(code, remedy)}`)
  }
}

/**
 * The keys in a file: a private JWK, or a whole ring (`current`, `next`, `retiring`) while one key follows another.
 * Whether they are good for signing, the engine finds out.
 *
 * @param path how problems name the place that the file was given in
 * @throws ConfigError where the file cannot be read, is not JSON, or others may read it
 */
export const readSigningKeys = (file: string, path = SIGNING_KEY_VARIABLE): KeyRingConfig => {
  const keys = parse(file, path)
  if (isSharedWithOthers(file)) {
    throw refuse(path, `other users may read ${file}; run "chmod 600 ${file}", and replace the key if any of them has`)
  }
  // Read by the engine like everything that comes from outside: nothing rests on this type.
  return 'current' in keys ? (keys as KeyRingConfig) : { current: keys as KeyRingConfig['current'] }
}
