import { createHash, randomBytes } from 'node:crypto'

const ROUTING_BYTES = 2
const RANDOM_BYTES = 16

/**
 * A new identifier for a session or a token of `subject`: 128 random bits after 16 bits of SHA-256(subject).
 *
 * The leading bits let a sharded store find the place of a session from its identifier alone, and keep everything of
 * one subject in one place.
 */
export const newIdentifier = (subject: string): string =>
  Buffer.concat([
    createHash('sha256').update(subject).digest().subarray(0, ROUTING_BYTES),
    randomBytes(RANDOM_BYTES),
  ]).toString('base64url')
