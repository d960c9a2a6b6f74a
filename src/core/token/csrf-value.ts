import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { PurposeKeys } from './key-ring.ts'
import type { VerificationKey } from './keys.ts'

type Kind = 'access' | 'refresh'

/** Makes and checks the values of the double submit: each is of one session and one kind of token. */
export interface CsrfKeys {
  /** The value that a page of the session's own sends along. */
  valueFor(kind: Kind, session: string): string
  isValueFor(value: string, kind: Kind, session: string): boolean
}

/** Compares without telling by the time how much is right. */
const isSame = (given: string, expected: string): boolean => {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)]
  return left.length === right.length && timingSafeEqual(left, right)
}

const derive = ({ keyObject }: VerificationKey): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', keyObject.export(), '', 'jotward csrf', 32))

const value = (secret: Uint8Array, kind: Kind, session: string): string =>
  createHmac('sha256', secret).update(`${kind}\n${session}`).digest('base64url')

/** A secret of their own, derived from each that signs refresh tokens: values outlive a change of that one as they do. */
export const createCsrfKeys = ({ signing, verifying }: PurposeKeys): CsrfKeys => {
  const current = derive(signing)
  const all = verifying.keys.map(derive)
  return {
    valueFor: (kind, session) => value(current, kind, session),
    isValueFor: (given, kind, session) => all.some((secret) => isSame(given, value(secret, kind, session))),
  }
}
