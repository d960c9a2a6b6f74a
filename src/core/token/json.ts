/** A value that JSON can hold (RFC 8259 §3). */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject

/** A JSON object. A member that is undefined is one that is not there, as JSON.stringify has it. */
export interface JsonObject {
  readonly [name: string]: JsonValue | undefined
}

/** What `parseStrictJson` accepts besides valid JSON. */
export interface JsonLimits {
  /** Objects and arrays inside one another; a number has depth 0, `[]` has depth 1. */
  readonly maxDepth: number
}

// `ignoreBOM` means that a byte order mark is kept, so that JSON.parse refuses it (RFC 8259 §8.1).
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d

/** The index of the quote that closes the string opened at `start`, or the length of the text where none does. */
const closingQuote = (text: string, start: number): number => {
  let quote = text.indexOf('"', start + 1)
  while (quote !== -1) {
    let before = quote - 1
    while (text.charCodeAt(before) === BACKSLASH) before--
    // An even number of backslashes escape each other, not the quote.
    if ((quote - 1 - before) % 2 === 0) return quote
    quote = text.indexOf('"', quote + 1)
  }
  return text.length
}

/** Counts the members written in a JSON text; -1 where it nests deeper than `maxDepth`. Only meaningful for valid JSON. */
const countWrittenMembers = (text: string, maxDepth: number): number => {
  let members = 0
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = closingQuote(text, at)
    else if (code === COLON) members++
    else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      depth++
      if (depth > maxDepth) return -1
    } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) depth--
  }
  return members
}

const countMembers = (value: JsonValue | undefined): number => {
  if (typeof value !== 'object' || value === null) return 0
  const items: readonly (JsonValue | undefined)[] = Array.isArray(value) ? value : Object.values(value)
  let members = Array.isArray(value) ? 0 : items.length
  for (const item of items) {
    if (typeof item === 'object') members += countMembers(item)
  }
  return members
}

/**
 * Parses JSON in UTF-8, or returns undefined: malformed UTF-8 or JSON, a byte order mark, nesting deeper than
 * `maxDepth`, a member name given twice in one object (RFC 7515 §4, RFC 7519 §4), also where `\u` escapes hide it.
 *
 * A member called `__proto__` becomes an own property like any other.
 */
export const parseStrictJson = (bytes: Uint8Array, { maxDepth }: JsonLimits): JsonValue | undefined => {
  try {
    const text = strictUtf8.decode(bytes)
    const written = countWrittenMembers(text, maxDepth)
    if (written === -1) return undefined
    // JSON.parse is declared to return any; by RFC 8259 it is a JsonValue.
    const value = JSON.parse(text) as JsonValue
    // JSON.parse keeps the last of several members with one name, so any such text has more colons outside of its
    // strings than the value has members. That spares a parser of our own.
    return written === countMembers(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Whether a value is a JSON object: not an array, not null. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
