import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { ConfigError } from 'jotward'
import { errorCode } from './error-code.ts'
import { fileRemedy } from './file-remedy.ts'
import type { Environment } from './settings.ts'

/** A folder of that name (Python's virtual environments) is none of ours. */
const NO_FILE = new Set(['ENOENT', 'EISDIR'])

/**
 * The variables of the process, and those of the file `.env` in `folder` that the process does not set.
 *
 * @throws ConfigError where the file is there and cannot be read
 */
export const readEnvironment = (folder: string, variables: Environment): Environment => {
  try {
    return { ...parseEnv(readFileSync(join(folder, '.env'), 'utf8')), ...variables }
  } catch (cause) {
    const code = errorCode(cause)
    if (NO_FILE.has(code)) return variables
    throw new ConfigError([
      { path: '.env', problem: `cannot be read (${code}); ${fileRemedy(code, 'make it readable, or move it away')}` },
    ])
  }
}
