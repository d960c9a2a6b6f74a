import { createHash } from 'node:crypto'

/**
 * The SHA-256 of a text in base64url, as a name that tells nobody what it stands for at a glance. Whoever can guess the
 * text can find its digest, so it hides nothing that is easily guessed.
 */
export const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url')
