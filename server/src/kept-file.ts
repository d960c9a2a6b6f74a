import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { errorCode } from './error-code.ts'

const readIfPresent = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    throw error
  }
}

const writeDurably = (path: string, text: string): void => {
  const file = openSync(path, 'wx', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Puts a complete file in place, or leaves the one that is there: a name that exists never has half a content. */
const putInPlace = (path: string, text: string): void => {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    writeDurably(draft, text)
    linkSync(draft, path)
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

/**
 * What a file holds, for which `make` gives the content where there is none yet (mode 0600). Whichever of several
 * processes is the first, all of them get the same text. Never writes over anything.
 */
export const keptFile = (path: string, make: () => string): string => {
  const present = readIfPresent(path)
  if (present !== null) return present
  putInPlace(path, make())
  return readFileSync(path, 'utf8')
}
