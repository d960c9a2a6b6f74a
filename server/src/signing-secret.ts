import { randomBytes } from 'node:crypto'
import { ConfigError } from 'jotward'
import { isSharedWithOthers } from './data-folder.ts'
import { errorCode } from './error-code.ts'
import { keptFile } from './kept-file.ts'
import { Secret } from './secret.ts'

const SECRET_BYTES = 32
/** What 32 bytes take in base64url; so anything that was cut off is noticed. */
const SHORTEST_TEXT = 43

const refuse = (file: string, problem: string): ConfigError => new ConfigError([{ path: file, problem }])

/**
 * The secret kept in a file, made at the first start (32 random bytes, base64url, mode 0600).
 *
 * Its text is the secret, so that the same text in JOTWARD_SECRET is the same key.
 *
 * @throws ConfigError where it cannot be read or written, has been cut off, or others may read it
 */
export const keptSecret = (file: string): Secret => {
  let text: string
  try {
    text = keptFile(file, () => `${randomBytes(SECRET_BYTES).toString('base64url')}\n`).trim()
  } catch (cause) {
    throw refuse(
      file,
      `the secret cannot be read or made (${errorCode(cause)}); give this user the right, or set JOTWARD_SECRET`,
    )
  }
  if (isSharedWithOthers(file)) {
    throw refuse(file, `other users may read the secret; run "chmod 600 ${file}", and replace it if any of them has`)
  }
  if (text.length < SHORTEST_TEXT) {
    const remedy = 'restore it from a backup, or move it away to get a new one, which ends every session'
    throw refuse(file, `the secret has ${text.length} characters and needs ${SHORTEST_TEXT} or more; ${remedy}`)
  }
  return new Secret(text)
}
