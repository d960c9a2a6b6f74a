import { hkdfSync, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ConfigError } from 'jotward'
import { isSharedWithOthers } from './data-folder.ts'
import { errorCode } from './error-code.ts'
import { fileRemedy } from './file-remedy.ts'
import { keptFile } from './kept-file.ts'
import { Secret } from './secret.ts'

const SECRET_BYTES = 32
/** What 32 bytes take in base64url; so anything that was cut off is noticed. */
const SHORTEST_TEXT = 43

const refuse = (path: string, problem: string): ConfigError => new ConfigError([{ path, problem }])

const refuseShared = (path: string, file: string): void => {
  if (!isSharedWithOthers(file)) return
  throw refuse(path, `other users may read the secret; run "chmod 600 ${file}", and replace it if any of them has`)
}

/** What is damaged reads as text often (a disk that went full leaves zeros): it must not become a key that can be guessed. */
const checkText = (path: string, text: string): void => {
  const remedy =
    'restore it from a backup, or run `jotward session revoke --everything` and move it away to get a new one'
  if (!/^[\x20-\x7e]*$/.test(text)) throw refuse(path, `the secret is not printable ASCII text; ${remedy}`)
  if (text.length >= SHORTEST_TEXT) return
  throw refuse(path, `the secret has ${text.length} characters and needs ${SHORTEST_TEXT} or more; ${remedy}`)
}

/**
 * The secret kept in a file, made at the first start (32 random bytes, base64url, mode 0600).
 *
 * Its text is the secret, so that the same text in JOTWARD_SECRET is the same key.
 *
 * @throws ConfigError where it cannot be read or written, is damaged, or others may read it
 */
export const keptSecret = (file: string): Secret => {
  let text: string
  try {
    text = keptFile(file, () => `${randomBytes(SECRET_BYTES).toString('base64url')}\n`).trim()
  } catch (cause) {
    const code = errorCode(cause)
    throw refuse(
      file,
      `the secret cannot be read or made (${code}); ${fileRemedy(code, 'see to its disk, or set JOTWARD_SECRET')}`,
    )
  }
  refuseShared(file, file)
  checkText(file, text)
  return new Secret(text, file)
}

/**
 * The secret in a file that somebody else keeps (JOTWARD_SECRET_FILE), without white space around it.
 *
 * @throws ConfigError where it cannot be read, is no text, or others may read it
 */
export const givenSecret = (file: string): Secret => {
  const variable = 'JOTWARD_SECRET_FILE'
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (cause) {
    const code = errorCode(cause)
    throw refuse(variable, `${file} cannot be read (${code}); ${fileRemedy(code, 'name the file with the secret')}`)
  }
  refuseShared(variable, file)
  if (!/^[\x20-\x7e]+$/.test(text)) throw refuse(variable, `${file} does not hold printable ASCII text`)
  return new Secret(text, variable)
}

const derive = (secret: Secret, purpose: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', secret.reveal(), '', purpose, SECRET_BYTES))

/**
 * The secret of refresh tokens beside a key pair: the one that the engine derives for itself where the secret signs
 * everything, so that sessions outlive the change from one to the other.
 */
export const refreshSecret = (secret: Secret): Uint8Array => derive(secret, 'jotward refresh token')

/** Names a secret without telling anything of it. */
export const secretName = (secret: Secret): string =>
  Buffer.from(derive(secret, 'jotward secret name')).toString('base64url')
