import { domainToASCII } from 'node:url'

/**
 * E-mail addresses as identities: which of them are one account.
 *
 * The canonical form is for comparing only. Mail goes to the address that the account holds, never to one that a
 * caller has typed: whoever owns a look-alike would read somebody else's mail (GHSA-7rqj-j65f-68wh).
 */

/** Octets of an address and of its local part (RFC 5321 §4.5.3.1; 254 is what fits a path in angle brackets). */
const MAX_ADDRESS_BYTES = 254
const MAX_LOCAL_BYTES = 64

/** Enough for any address before normalisation, so that nothing longer is ever normalised. */
const MAX_TEXT_LENGTH = 1024

/**
 * Control, format (bidi, zero-width), unassigned, private use, lone surrogates, every space, and what shows as nothing.
 * NFKC removes none of them, so it is enough to look for them afterwards.
 */
const UNSEEN = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u

/** Dot-atom of RFC 5322 §3.2.3, with RFC 6531 §3.3 letters beyond ASCII. Quoted local parts are not accepted. */
const LOCAL_PART = /^[\w!#$%&'*+/=?^`{|}~\u0080-\u{10FFFF}-]+(?:\.[\w!#$%&'*+/=?^`{|}~\u0080-\u{10FFFF}-]+)*$/u

/** What may go into IDNA: the URL host parser behind it would also decode `%41` and read `0x7f.1` as an address. */
const DOMAIN = /^[a-zA-Z\d.\u0080-\u{10FFFF}-]+$/u

/** A host name (RFC 1123 §2.1) that does not end in a number, which would be an IP address. */
const ASCII_DOMAIN = /^(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)*(?!\d+$)[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/

/** The ASCII signs of a text: what gives an address its structure. */
const asciiSigns = (text: string): string => text.replaceAll(/[a-zA-Z\d\u0080-\u{10FFFF}]/gu, '')

/** Case folding as far as `toLowerCase` goes; it writes Greek sigma by its place in the word, folding does not. */
const foldCase = (text: string): string => text.toLowerCase().replaceAll('ς', 'σ').normalize('NFKC')

const canonicalLocalPart = (local: string): string | null => {
  const folded = foldCase(local)
  return LOCAL_PART.test(folded) && Buffer.byteLength(folded) <= MAX_LOCAL_BYTES ? folded : null
}

const canonicalDomain = (domain: string): string | null => {
  if (!DOMAIN.test(domain)) return null
  const ascii = domainToASCII(domain)
  return ASCII_DOMAIN.test(ascii) ? ascii : null
}

/**
 * The form in which addresses are compared, or null where the text is not an address: trimmed, NFKC, case folded,
 * the domain in ASCII (IDNA). Two spellings of one form are one account.
 *
 * Refuses invisible characters, quoted local parts, IP addresses, and anything that becomes an `@`, a dot or another
 * sign only by normalisation, like the fullwidth `＠`. Host names without a dot are accepted (`admin@localhost`).
 */
export const canonicalEmail = (text: string): string | null => {
  if (text.length > MAX_TEXT_LENGTH) return null
  const written = text.trim()
  const normalized = written.normalize('NFKC')
  if (UNSEEN.test(normalized) || asciiSigns(written) !== asciiSigns(normalized)) return null
  const [localPart, domainPart, ...more] = normalized.split('@')
  if (localPart === undefined || domainPart === undefined || more.length > 0) return null
  const local = canonicalLocalPart(localPart)
  const domain = canonicalDomain(domainPart)
  if (local === null || domain === null) return null
  const address = `${local}@${domain}`
  return Buffer.byteLength(address) <= MAX_ADDRESS_BYTES ? address : null
}
