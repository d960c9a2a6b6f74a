import { AuthError, ConfigError } from '../errors.ts'
import { isAlgorithm } from './algorithms.ts'
import type { Algorithm } from './algorithms.ts'
import { decodeBase64url, encodeBase64url } from './base64url.ts'
import { isJsonObject, parseStrictJson } from './json.ts'
import type { JsonObject } from './json.ts'
import type { KeySet } from './key-set.ts'
import { isKeyId } from './keys.ts'
import type { SigningKey } from './keys.ts'
import { createSignature, verifySignature } from './signature.ts'
import { isTokenType } from './token-type.ts'

/** How much of a token is looked at. */
export interface TokenLimits {
  /** Longest token, default 8192. */
  readonly maxBytes?: number
  /** Objects and arrays inside one another, in header and claims; default 32. */
  readonly maxDepth?: number
}

const DEFAULT_MAX_BYTES = 8192
const DEFAULT_MAX_DEPTH = 32

/** The protected header of a JWS (RFC 7515 §4). */
export interface JwsHeader extends JsonObject {
  readonly alg: Algorithm
  readonly kid?: string
  readonly typ?: string
}

/** What to sign. */
export interface JwsInput {
  /** Header parameters besides `alg` and `kid`, which are the key's. */
  readonly header: JsonObject
  /** The payload, or its JSON where that stands already. */
  readonly payload: JsonObject | string
  readonly key: SigningKey
}

/** A token taken apart and nothing more. Whoever acts on it acts on the word of a stranger. */
export interface UnverifiedJws {
  readonly header: JwsHeader
  readonly payload: JsonObject
  readonly signature: Uint8Array
}

/** A token whose signature holds. Its claims have not been judged yet. */
export interface VerifiedJws {
  readonly header: JwsHeader
  readonly claims: JsonObject
}

/** Parameters that would make another thing of the token: extensions (RFC 7515 §4.1.11), raw payload, encryption. */
const REFUSED_PARAMETERS = ['crit', 'b64', 'zip', 'enc'] as const

// Until the signature holds, every failure is the same to the caller; the reason is for the log.
const invalid = (detail: string): AuthError => new AuthError('token_invalid', { detail })

interface Segments {
  readonly header: string
  readonly payload: string
  readonly signature: string
  /** Header and payload as they were signed (RFC 7515 §5.2). */
  readonly signingInput: string
}

const splitCompact = (token: unknown, { maxBytes = DEFAULT_MAX_BYTES }: TokenLimits): Segments => {
  // The length comes first, so that nothing costs more than the limit. Beyond ASCII the alphabet refuses later.
  if (typeof token !== 'string' || token.length > maxBytes) throw invalid('not a string within the size limit')
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  if (first < 1 || second < first + 2 || second === token.length - 1 || token.includes('.', second + 1)) {
    throw invalid('not three segments')
  }
  return {
    header: token.slice(0, first),
    payload: token.slice(first + 1, second),
    signature: token.slice(second + 1),
    signingInput: token.slice(0, second),
  }
}

const parseObject = (
  segment: string,
  what: 'header' | 'payload',
  { maxDepth = DEFAULT_MAX_DEPTH }: TokenLimits,
): JsonObject => {
  const bytes = decodeBase64url(segment)
  if (bytes === null) throw invalid(`the ${what} is not base64url`)
  const value = parseStrictJson(bytes, { maxDepth })
  if (!isJsonObject(value)) throw invalid(`the ${what} is not a JSON object`)
  return value
}

const headerProblem = (header: JsonObject): string | null => {
  const { alg, kid, typ, cty } = header
  if (!isAlgorithm(alg)) return 'the header names no known algorithm'
  for (const name of REFUSED_PARAMETERS) {
    if (Object.hasOwn(header, name)) return `the header has ${name}`
  }
  if (kid !== undefined && !isKeyId(kid)) return 'the header has a malformed kid'
  if (typ !== undefined && typeof typ !== 'string') return 'the header has a typ that is not a string'
  if (cty === undefined) return null
  return typeof cty !== 'string' || isTokenType(cty, 'JWT') ? 'the token holds another token' : null
}

const parseHeader = (segment: string, limits: TokenLimits): JwsHeader => {
  const header = parseObject(segment, 'header', limits)
  const problem = headerProblem(header)
  if (problem !== null) throw invalid(problem)
  // The three members that JwsHeader knows have just been checked.
  return header as JwsHeader
}

/**
 * Verifies a compact JWS whose payload is a JSON object (RFC 7515 §5.2), with the key's algorithm and no other. Keys in
 * the header (`jwk`, `jku`, `x5c`, `x5u`) are never looked at. The payload is parsed once the signature holds.
 *
 * @throws AuthError `token_invalid`
 */
export const verifyJws = (token: unknown, keySet: KeySet, limits: TokenLimits = {}): VerifiedJws => {
  const segments = splitCompact(token, limits)
  const header = parseHeader(segments.header, limits)
  const key = keySet.find(header)
  if (key === null) throw invalid('the header names no known key')
  if (key.algorithm !== header.alg) throw invalid("the header names an algorithm that is not the key's")
  const signature = decodeBase64url(segments.signature)
  if (signature === null || !verifySignature(segments.signingInput, signature, key)) {
    throw invalid('the signature does not hold')
  }
  return { header, claims: parseObject(segments.payload, 'payload', limits) }
}

/**
 * Takes a token apart without verifying anything, for people to look at and to choose among known issuers.
 *
 * @throws AuthError `token_invalid` where it is not a well-formed token that could verify anywhere
 */
export const decodeUnverified = (token: unknown, limits: TokenLimits = {}): UnverifiedJws => {
  const segments = splitCompact(token, limits)
  const signature = decodeBase64url(segments.signature)
  if (signature === null) throw invalid('the signature is not base64url')
  return {
    header: parseHeader(segments.header, limits),
    payload: parseObject(segments.payload, 'payload', limits),
    signature,
  }
}

/**
 * What a signature is made over: header (`alg`, `kid`, `typ`, then the rest) and payload. For keys that sign elsewhere.
 *
 * @throws ConfigError where the header sets what is not its own to set
 */
export const signingInput = ({ header, payload, key }: JwsInput): string => {
  const reserved = ['alg', 'kid', ...REFUSED_PARAMETERS].filter((name) => Object.hasOwn(header, name))
  if (reserved.length > 0) {
    throw new ConfigError(
      reserved.map((path) => ({ path, problem: 'cannot be set in the header of a token; leave it out' })),
    )
  }
  const { typ, ...others } = header
  const json = JSON.stringify({ alg: key.algorithm, kid: key.kid, typ, ...others })
  return `${encodeBase64url(json)}.${encodeBase64url(typeof payload === 'string' ? payload : JSON.stringify(payload))}`
}

/** Signs a compact JWS. With an HMAC or EdDSA key the same input gives the same token, byte for byte. */
export const signJws = (input: JwsInput): string => {
  const signed = signingInput(input)
  return `${signed}.${encodeBase64url(createSignature(signed, input.key))}`
}
