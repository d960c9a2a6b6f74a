/** Encodes bytes, or the UTF-8 of a string, as base64url without padding (RFC 7515 §2). */
export const encodeBase64url = (data: string | Uint8Array): string => {
  if (typeof data === 'string') return Buffer.from(data, 'utf8').toString('base64url')
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64url')
}

/**
 * Decodes base64url, or returns null unless `text` is the one canonical encoding of its bytes: no padding, no other
 * alphabet, no whitespace, no bits left over (RFC 7515 §2, RFC 4648 §3.5). Otherwise one token could be written in
 * several ways, and whatever is keyed by its text could be passed by.
 */
export const decodeBase64url = (text: string): Buffer | null => {
  const bytes = Buffer.from(text, 'base64url')
  // Buffer takes `+/=` and skips what it does not know. Encoding again and comparing refuses every such text, and is
  // faster than looking at each character.
  return bytes.toString('base64url') === text ? bytes : null
}
