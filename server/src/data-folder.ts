import { accessSync, constants, mkdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ConfigError } from 'jotward'
import { errorCode } from './error-code.ts'
import { fileRemedy } from './file-remedy.ts'

/** Where a server keeps what outlives it. */
export interface DataFolder {
  readonly secretFile: string
  readonly issuerFile: string
  readonly databaseFile: string
}

const problem = (path: string, what: string): ConfigError =>
  new ConfigError([{ path: 'JOTWARD_DATA', problem: `${path} ${what}` }])

/** Where the files of a data folder are, whether or not they are there. */
export const dataFiles = (folder: string): DataFolder => {
  const path = resolve(folder)
  return {
    secretFile: join(path, 'secret'),
    issuerFile: join(path, 'issuer'),
    databaseFile: join(path, 'jotward.sqlite'),
  }
}

/**
 * Makes the folder where it is missing, for its owner alone (mode 0700).
 *
 * @throws ConfigError where it cannot be made, is no folder, or cannot be written
 */
export const openDataFolder = (folder: string): DataFolder => {
  const path = resolve(folder)
  const remedy = 'make it a folder that this user may write, or set JOTWARD_DATA to another'
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const code = errorCode(cause)
    throw problem(path, `cannot be made (${code}); ${code === 'ENOSPC' ? fileRemedy(code, '') : remedy}`)
  }
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw problem(path, `cannot be written (${errorCode(cause)}); ${remedy}`)
  }
  return dataFiles(path)
}

interface Ownership {
  readonly mode: number
  readonly uid: number
}

/**
 * Whether a file's mode lets in who must not be. A file of root's own may be read by its group, as orchestrators mount
 * secrets (PostgreSQL has the same rule for its keys); any other is for its owner alone.
 */
export const isExposed = ({ mode, uid }: Ownership, ownUid: number): boolean =>
  (mode & (uid === 0 && ownUid !== 0 ? 0o037 : 0o077)) !== 0

/** Whether others than those who must may read or write a file; false where modes mean nothing. */
export const isSharedWithOthers = (path: string): boolean =>
  process.geteuid !== undefined && isExposed(statSync(path), process.geteuid())
