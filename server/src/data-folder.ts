import { accessSync, constants, mkdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ConfigError } from 'jotward'
import { errorCode } from './error-code.ts'

/** Where a server keeps what outlives it. */
export interface DataFolder {
  readonly secretFile: string
  readonly issuerFile: string
  readonly databaseFile: string
}

const problem = (path: string, what: string): ConfigError =>
  new ConfigError([{ path: 'JOTWARD_DATA', problem: `${path} ${what}` }])

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
    throw problem(path, `cannot be made (${errorCode(cause)}); ${remedy}`)
  }
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw problem(path, `cannot be written (${errorCode(cause)}); ${remedy}`)
  }
  return {
    secretFile: join(path, 'secret'),
    issuerFile: join(path, 'issuer'),
    databaseFile: join(path, 'jotward.sqlite'),
  }
}

/** Whether others than the owner may read or write a file; false where modes mean nothing. */
export const isSharedWithOthers = (path: string): boolean =>
  process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0
