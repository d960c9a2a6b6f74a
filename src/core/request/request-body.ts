import { isJsonObject, parseStrictJson } from '../token/json.ts'
import type { RequestBody } from './request-view.ts'

const MAX_DEPTH = 32

const isForm = (mediaType: string): boolean => mediaType === 'application/x-www-form-urlencoded'

/** The media type of a Content-Type header without its parameters, lower case; '' where there is none. */
export const mediaTypeOf = (contentType: string | null): string =>
  (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''

/** What a parser has made of a body, as the core sees it. */
export const parsedBody = (contentType: string | null, value: unknown): RequestBody | null => {
  const mediaType = mediaTypeOf(contentType)
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) return null
  if (mediaType !== 'application/json' && !isForm(mediaType)) return null
  // An object whose members are looked at one by one, as own ones.
  return { kind: isForm(mediaType) ? 'form' : 'json', members: value as Readonly<Record<string, unknown>> }
}

/** Parses a body; a form's repeated field becomes a list, which is no token. */
export const parseBody = (contentType: string | null, bytes: Uint8Array): RequestBody | null => {
  const mediaType = mediaTypeOf(contentType)
  if (mediaType === 'application/json') {
    const members = parseStrictJson(bytes, { maxDepth: MAX_DEPTH })
    return isJsonObject(members) ? { kind: 'json', members } : null
  }
  if (!isForm(mediaType)) return null
  const fields = new URLSearchParams(new TextDecoder().decode(bytes))
  const members = Object.fromEntries(
    [...new Set(fields.keys())].map((name): [string, unknown] => {
      const values = fields.getAll(name)
      return [name, values.length === 1 ? values[0] : values]
    }),
  )
  return { kind: 'form', members }
}
