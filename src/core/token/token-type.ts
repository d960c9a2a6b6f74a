const PRINTABLE = /^[\x21-\x7e]+$/

/** A media type as RFC 7515 §4.1.9 compares it: `application/` where it has no slash, upper and lower case alike. */
const normalise = (type: string): string | null => {
  // ASCII only, or the Kelvin sign would be a small k.
  if (!PRINTABLE.test(type)) return null
  return (type.includes('/') ? type : `application/${type}`).toLowerCase()
}

/**
 * Whether a token's `typ` is the expected one; null expects a token that has none. Parameters and other top-level types
 * make another type of it (RFC 8725 §3.11, RFC 9068 §4).
 */
export const isTokenType = (typ: string | undefined, expected: string | null): boolean => {
  if (typ === undefined || expected === null) return typ === undefined && expected === null
  if (typ === expected) return true
  const normalised = normalise(typ)
  return normalised !== null && normalised === normalise(expected)
}
