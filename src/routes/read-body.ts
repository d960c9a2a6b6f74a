import type { z } from 'zod'
import { AuthError } from '../core/errors.ts'
import type { AuthErrorCode, FieldProblem } from '../core/errors.ts'
import { isJsonObject, parseStrictJson } from '../core/token/json.ts'
import type { Route } from './route.ts'

/** The longest body that is read. */
const MAX_BODY_BYTES = 65_536
const MAX_DEPTH = 32
const MAX_PROBLEMS = 20

/** Reads no more than the limit, whatever the sender says of the length. */
const readBytes = async (request: Request): Promise<Uint8Array> => {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) throw new AuthError('body_too_large')
  if (request.bodyUsed) throw new Error('The body has been read already; mount the endpoints before what reads it.')
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of request.body ?? []) {
      length += chunk.byteLength
      if (length > MAX_BODY_BYTES) throw new AuthError('body_too_large')
      chunks.push(chunk)
    }
  } catch (cause) {
    // A sender that breaks off is no failure of ours.
    throw cause instanceof AuthError ? cause : new AuthError('invalid_body', { detail: 'the body broke off', cause })
  }
  return Buffer.concat(chunks)
}

const mediaType = (request: Request): string =>
  (request.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''

const requireType = (request: Request, expected: string): void => {
  if (mediaType(request) === expected) return
  throw new AuthError('unsupported_media_type', {
    problems: [{ path: 'content-type', problem: `must be ${expected}` }],
  })
}

const readJson = async (request: Request, optional: boolean): Promise<unknown> => {
  const bytes = await readBytes(request)
  if (optional && bytes.byteLength === 0) return undefined
  // A type that a form cannot send: no page of somebody else's can make a browser send this body unasked.
  requireType(request, 'application/json')
  const value = parseStrictJson(bytes, { maxDepth: MAX_DEPTH })
  if (value === undefined)
    throw new AuthError('invalid_body', { problems: [{ path: '', problem: 'must be valid JSON' }] })
  // No schema gets to see this one: they all leave it out without a word, and an unknown member is to be refused.
  if (isJsonObject(value) && Object.hasOwn(value, '__proto__'))
    throw new AuthError('invalid_body', { problems: [{ path: '__proto__', problem: 'is not known here' }] })
  return value
}

/** The parameters of a form or a query, none of which may be repeated (RFC 6749 §3.2). */
const readParameters = (parameters: URLSearchParams, code: AuthErrorCode): ReadonlyMap<string, string> => {
  const fields = new Map<string, string>()
  for (const [name, value] of parameters) {
    if (fields.has(name)) throw new AuthError(code, { problems: [{ path: name, problem: 'must not be repeated' }] })
    fields.set(name, value)
  }
  return fields
}

const decodeUtf8 = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new AuthError('invalid_body', { problems: [{ path: '', problem: 'must be valid UTF-8' }] })
  }
}

/** An empty parameter counts as left out (RFC 6749 §3.2). */
const readForm = async (request: Request): Promise<Readonly<Record<string, string>>> => {
  requireType(request, 'application/x-www-form-urlencoded')
  const parameters = new URLSearchParams(decodeUtf8(await readBytes(request)))
  return Object.fromEntries([...readParameters(parameters, 'invalid_body')].filter(([, value]) => value !== ''))
}

/** @throws AuthError `invalid_query` for a parameter given twice */
export const readQuery = (request: Request): Readonly<Record<string, string>> =>
  Object.fromEntries(readParameters(new URL(request.url).searchParams, 'invalid_query'))

/** The problems that a schema found, without the values that they are about. */
const fieldProblems = ({ issues }: z.ZodError): readonly FieldProblem[] =>
  issues.slice(0, MAX_PROBLEMS).map(({ path, message }) => ({ path: path.join('.'), problem: message }))

/** @throws AuthError with `code`, naming each member that does not fit */
export const checkShape = (schema: z.ZodType, value: unknown, code: AuthErrorCode): unknown => {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new AuthError(code, { problems: fieldProblems(result.error) })
}

/** A member that held a token has done its work, and is no unknown one, whatever the configuration calls it. */
const withoutTokens = (value: unknown, tokens: readonly string[]): unknown => {
  if (tokens.length === 0 || !isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => typeof member !== 'string' || !tokens.includes(member)),
  )
}

/**
 * Reads the body of a route. `tokens` are those that were found in it already.
 *
 * @throws AuthError `invalid_body` | `body_too_large` | `unsupported_media_type`
 */
export const readBody = async (
  request: Request,
  { kind, schema }: NonNullable<Route['body']>,
  tokens: readonly string[],
): Promise<unknown> => {
  if (kind === 'form') return checkShape(schema, await readForm(request), 'invalid_body')
  const value = await readJson(request, kind === 'optional-json')
  return checkShape(schema, withoutTokens(value, tokens), 'invalid_body')
}
