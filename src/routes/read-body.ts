import type { z } from 'zod'
import { AuthError } from '../core/errors.ts'
import type { AuthErrorCode, FieldProblem } from '../core/errors.ts'
import { parseStrictJson } from '../core/token/json.ts'
import type { BodyKind } from './route.ts'

/** The longest body that is read. */
const MAX_BODY_BYTES = 65_536
const MAX_DEPTH = 32
const MAX_PROBLEMS = 20

/** Reads no more than the limit, whatever the sender says of the length. */
const readBytes = async (request: Request): Promise<Uint8Array> => {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) throw new AuthError('body_too_large')
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength
    if (length > MAX_BODY_BYTES) throw new AuthError('body_too_large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const mediaType = (request: Request): string =>
  (request.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''

const requireType = (request: Request, expected: string): void => {
  if (mediaType(request) === expected) return
  throw new AuthError('unsupported_media_type', { problems: [{ path: 'content-type', problem: `must be ${expected}` }] })
}

const readJson = async (request: Request, optional: boolean): Promise<unknown> => {
  const bytes = await readBytes(request)
  if (optional && bytes.byteLength === 0) return undefined
  // A type that a form cannot send: no page of somebody else's can make a browser send this body unasked.
  requireType(request, 'application/json')
  const value = parseStrictJson(bytes, { maxDepth: MAX_DEPTH })
  if (value === undefined) throw new AuthError('invalid_body', { problems: [{ path: '', problem: 'must be valid JSON' }] })
  return value
}

/** Parameters must not be repeated, and an empty one counts as left out (RFC 6749 §3.2). */
const readForm = async (request: Request): Promise<Readonly<Record<string, string>>> => {
  requireType(request, 'application/x-www-form-urlencoded')
  const fields = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(new TextDecoder().decode(await readBytes(request)))) {
    if (fields.has(name)) throw new AuthError('invalid_body', { problems: [{ path: name, problem: 'must not be repeated' }] })
    fields.set(name, value)
  }
  return Object.fromEntries([...fields].filter(([, value]) => value !== ''))
}

/** The problems that a schema found, without the values that they are about. */
const fieldProblems = ({ issues }: z.ZodError): readonly FieldProblem[] =>
  issues.slice(0, MAX_PROBLEMS).map(({ path, message }) => ({ path: path.join('.'), problem: message }))

/** @throws AuthError with `code`, naming each member that does not fit */
export const checkShape = (schema: z.ZodType, value: unknown, code: AuthErrorCode): unknown => {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new AuthError(code, { problems: fieldProblems(result.error) })
}

/** @throws AuthError `invalid_body` | `body_too_large` | `unsupported_media_type` */
export const readBody = async (request: Request, kind: BodyKind, schema: z.ZodType): Promise<unknown> => {
  const value = kind === 'form' ? await readForm(request) : await readJson(request, kind === 'optional-json')
  return checkShape(schema, value, 'invalid_body')
}
