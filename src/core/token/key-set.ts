import type { ConfigProblem } from '../errors.ts'
import type { VerificationKey } from './keys.ts'

/** What a token's header says of its key. Unverified: it only selects among keys that stand already. */
export interface KeySelector {
  readonly alg: string
  readonly kid?: string
}

/** The keys that one verifier trusts. */
export interface KeySet {
  readonly keys: readonly VerificationKey[]
  /**
   * The key that a header names, or null. An unknown `kid` never falls back to another key, and a header without one
   * is served only where there is nothing to choose from (RFC 7515 §4.1.4).
   */
  find(header: KeySelector): VerificationKey | null
}

/** A key set, or what is wrong with it. */
export type KeySetResult = { readonly keySet: KeySet } | { readonly problems: readonly ConfigProblem[] }

/** One key of a set, or none: a header that names another one finds nothing. */
export const onlyKey = ({ keys }: KeySet, keyId: string): KeySet => {
  const key = keys.find(({ kid }) => kid === keyId)
  const find = ({ kid }: KeySelector): VerificationKey | null =>
    key !== undefined && (kid === undefined || kid === keyId) ? key : null
  return { keys: key === undefined ? [] : [key], find }
}

/** Makes a key set. Refuses an empty one, and two keys with one `kid`. */
export const createKeySet = (keys: readonly VerificationKey[]): KeySetResult => {
  const byId = new Map<string, VerificationKey>()
  const problems: ConfigProblem[] = []
  for (const key of keys) {
    if (byId.has(key.kid)) problems.push({ path: '', problem: `holds two keys with the kid "${key.kid}"; leave one` })
    byId.set(key.kid, key)
  }
  const [first] = keys
  if (first === undefined) problems.push({ path: '', problem: 'holds no key' })
  if (problems.length > 0) return { problems }

  const only = keys.length === 1 ? first : undefined
  const find = ({ kid }: KeySelector): VerificationKey | null => (kid === undefined ? only : byId.get(kid)) ?? null
  return { keySet: { keys: [...keys], find } }
}
