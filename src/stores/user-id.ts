import { randomBytes } from 'node:crypto'

/** A new identifier of a user: 128 random bits behind a prefix that tells in logs and claims what it names. */
export const newUserId = (): string => `usr_${randomBytes(16).toString('base64url')}`
