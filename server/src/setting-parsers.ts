import { canonicalEmail, parseDuration } from 'jotward'
import type { Seconds } from 'jotward'
import { Secret } from './secret.ts'

/** What the text of a variable says, or why it says nothing, with what to write instead. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string }

/** Reads the text of a variable; never gets an empty one. */
export type Parse<T> = (text: string) => Parsed<T>

const MAX_QUOTED = 80

const quote = (text: string): string =>
  JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text)

export const anyText: Parse<string> = (text) => ({ value: text })

/** Keeps the value out of problems and logs; whether it is good enough is the key ring's question. */
export const secretText: Parse<Secret> = (text) => ({ value: new Secret(text, 'JOTWARD_SECRET') })

export const wholeNumber =
  (min: number, max: number): Parse<number> =>
  (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return { value }
    return { problem: `${quote(text)} is not a whole number from ${min} to ${max}` }
  }

/** Seconds as a bare number (`900`) or a number with its unit (`15m`). */
export const duration: Parse<Seconds> = (text) => {
  const value = parseDuration(/^\d{1,10}$/.test(text) ? Number(text) : text)
  if (value !== null) return { value }
  return { problem: `${quote(text)} is not a duration; write "15m", or 900 for seconds` }
}

/** A duration with bounds, in seconds. */
export const durationWithin =
  (min: Seconds, max: Seconds): Parse<Seconds> =>
  (text) => {
    const parsed = duration(text)
    if ('problem' in parsed || (parsed.value >= min && parsed.value <= max)) return parsed
    return { problem: `${quote(text)} is not a duration from ${min}s to ${max}s` }
  }

export const oneOf =
  <const T extends string>(words: readonly T[]): Parse<T> =>
  (text) => {
    const value = words.find((word) => word === text)
    return value === undefined ? { problem: `${quote(text)} is not one of ${words.join(', ')}` } : { value }
  }

export const onOff: Parse<boolean> = (text) => {
  const parsed = oneOf(['on', 'off'])(text)
  return 'value' in parsed ? { value: parsed.value === 'on' } : parsed
}

export const emailAddress: Parse<string> = (text) =>
  canonicalEmail(text) === null ? { problem: `${quote(text)} is not an e-mail address` } : { value: text }

/** An address or a name to listen on; IPv6 without brackets, as `listen` wants it. */
export const hostName: Parse<string> = (text) =>
  /^[\w.:%-]{1,253}$/.test(text)
    ? { value: text }
    : { problem: `${quote(text)} is not a host; write a name or an address like 127.0.0.1 or ::1` }

/** An issuer identifier: a URL without query and fragment (RFC 8414 §2), but http too, for local use. */
export const issuerUrl: Parse<string> = (text) => {
  const url = URL.canParse(text) ? new URL(text) : null
  const isWeb = url !== null && (url.protocol === 'https:' || url.protocol === 'http:')
  // Compared as text, so what a parser would make of it must not differ from it.
  if (isWeb && !/[?#@\s]/.test(text)) return { value: text }
  return { problem: `${quote(text)} is not an issuer; write a URL like https://auth.example.com` }
}
