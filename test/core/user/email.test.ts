import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalEmail } from '../../../src/core/user/email.ts'

/** The quickest of five runs, in milliseconds: what a busy machine does to the others does not count. */
const quickest = (run: () => unknown): number =>
  Math.min(
    ...Array.from({ length: 5 }, () => {
      const started = performance.now()
      run()
      return performance.now() - started
    }),
  )

/** A domain of exactly so many octets, at most 560. */
const domainOf = (length: number): string => `${`${'a'.repeat(49)}.`.repeat(10)}${'b'.repeat(60)}`.slice(-length)

describe('one account, however its address is written (N145, N146)', () => {
  test.each([
    ['case', 'Ann.Lee@Example.COM', 'ann.lee@example.com'],
    ['space around it', ' \tann@example.com\n', 'ann@example.com'],
    ['a tag, which stays', 'ann+orders@example.com', 'ann+orders@example.com'],
    ['composed and decomposed letters', 'rene\u0301@example.com', 'ren\u00E9@example.com'],
    ['fullwidth letters', 'ａｎｎ@ｅxample.com', 'ann@example.com'],
    ['the Kelvin sign', '\u212Aate@example.com', 'kate@example.com'],
    ['the long s', 'jo\u017Fef@example.com', 'josef@example.com'],
    ['Greek sigma at the end of a word', 'ΝΙΚΟΣ.ΟΣ@example.gr', 'νικοσ.οσ@example.gr'],
    ['Greek sigma in lower case', 'νικος.ος@example.gr', 'νικοσ.οσ@example.gr'],
    ['a domain in its own script', '例え@例え。JP', '例え@xn--r8jz45g.jp'],
    ['a domain in ASCII', '例え@XN--R8JZ45G.jp', '例え@xn--r8jz45g.jp'],
    ['every sign of an atom', "!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com"],
    ['a host name without a dot', 'admin@localhost', 'admin@localhost'],
    ['a label that begins with a digit', 'a@3com.com', 'a@3com.com'],
  ])('compares without regard to %s', (_, written, canonical) => {
    expect(canonicalEmail(written)).toBe(canonical)
  })

  test('keeps letters apart that are different letters', () => {
    expect(canonicalEmail('\u0131@example.com')).not.toBe(canonicalEmail('i@example.com'))
    expect(canonicalEmail('а@example.com')).not.toBe(canonicalEmail('a@example.com'))
    expect(canonicalEmail('a@faß.de')).not.toBe(canonicalEmail('a@fass.de'))
  })
})

describe('refuses what only looks like an address', () => {
  test.each([
    ['a fullwidth @ (GHSA-7rqj-j65f-68wh)', 'ann＠example.com'],
    ['a small @', 'ann﹫example.com'],
    ['a fullwidth @ beside a real one', 'ann@evil.com＠example.com'],
    ['a fullwidth dot', 'ann@example．com'],
    ['dots out of one sign', 'ann‥lee@example.com'],
    ['a comma by normalisation', 'ann，bob@example.com'],
    ['angle brackets by normalisation', '＜ann@example.com＞'],
    ['a sign that swallows another', '=\u0338@example.com'],
    ['a numbered full stop', 'ann@example⒈com'],
  ])('%s', (_, text) => {
    expect(canonicalEmail(text)).toBeNull()
  })
})

describe('refuses characters that nobody sees (N076)', () => {
  test.each([
    ['zero-width space', '\u200B'],
    ['zero-width joiner', '\u200D'],
    ['right-to-left override', '\u202E'],
    ['left-to-right isolate', '\u2066'],
    ['byte order mark', '\uFEFF'],
    ['soft hyphen', '\u00AD'],
    ['variation selector', '\uFE0F'],
    ['Hangul filler', '\u3164'],
    ['tag character', '\u{E0061}'],
    ['NUL', '\u0000'],
    ['line feed', '\n'],
    ['delete', '\u007F'],
    ['line separator', '\u2028'],
    ['space', ' '],
    ['no-break space', '\u00A0'],
    ['half a surrogate pair', '\uD800'],
    ['a private character', '\uE000'],
  ])('%s', (_, character) => {
    expect(canonicalEmail(`an${character}n@example.com`)).toBeNull()
    expect(canonicalEmail(`ann@exam${character}ple.com`)).toBeNull()
    expect(canonicalEmail(`ann${character}@example.com`)).toBeNull()
  })
})

describe('refuses what is no address (RFC 5321 §4.1.2)', () => {
  test.each([
    ['nothing', ''],
    ['spaces alone', '   '],
    ['no @', 'ann.example.com'],
    ['two @', 'ann@bob@example.com'],
    ['no local part', '@example.com'],
    ['no domain', 'ann@'],
    ['a dot in front', '.ann@example.com'],
    ['a dot at the end', 'ann.@example.com'],
    ['two dots together', 'ann..lee@example.com'],
    ['a quoted local part', '"ann lee"@example.com'],
    ['a comment', 'ann(lee)@example.com'],
    ['a name beside it', 'Ann <ann@example.com>'],
    ['a header behind it', 'ann@example.com\r\nBcc: all@example.com'],
    ['a domain that ends in a dot', 'ann@example.com.'],
    ['an empty label', 'ann@example..com'],
    ['a hyphen in front of a label', 'ann@-example.com'],
    ['a hyphen behind a label', 'ann@example-.com'],
    ['an underscore in the domain', 'ann@ex_ample.com'],
    ['an escape in the domain', 'ann@ex%61mple.com'],
    ['a port', 'ann@example.com:25'],
    ['an address of IPv4', 'ann@127.0.0.1'],
    ['an address of IPv4 in hexadecimal', 'ann@0x7f.1'],
    ['an address of IPv6', 'ann@[::1]'],
    ['broken punycode', 'ann@xn--a.com'],
    ['a combining mark in front of the domain', 'ann@\u0308example.com'],
  ])('%s', (_, text) => {
    expect(canonicalEmail(text)).toBeNull()
  })
})

describe('limits of RFC 5321 §4.5.3.1, in octets', () => {
  test('accepts a local part of 64 octets and refuses 65', () => {
    expect(canonicalEmail(`${'a'.repeat(64)}@example.com`)).not.toBeNull()
    expect(canonicalEmail(`${'a'.repeat(65)}@example.com`)).toBeNull()
    expect(canonicalEmail(`${'é'.repeat(32)}@example.com`)).not.toBeNull()
    expect(canonicalEmail(`${'é'.repeat(33)}@example.com`)).toBeNull()
  })

  test('accepts an address of 254 octets and refuses 255', () => {
    expect(canonicalEmail(`${'a'.repeat(60)}@${domainOf(193)}`)).toHaveLength(254)
    expect(canonicalEmail(`${'a'.repeat(61)}@${domainOf(193)}`)).toBeNull()
  })

  test('refuses a label of 64 octets', () => {
    expect(canonicalEmail(`a@${'b'.repeat(63)}.com`)).not.toBeNull()
    expect(canonicalEmail(`a@${'b'.repeat(64)}.com`)).toBeNull()
  })

  test('refuses megabytes before they are normalised', () => {
    const text = `${'ﷺ'.repeat(1_000_000)}@example.com`
    expect(canonicalEmail(text)).toBeNull()
    expect(quickest(() => canonicalEmail(text))).toBeLessThan(quickest(() => text.normalize('NFKC')) / 2)
  })
})

describe('for any text at all', () => {
  const anyAddress = fc
    .tuple(fc.string({ unit: 'binary', maxLength: 12 }), fc.string({ unit: 'binary', maxLength: 12 }))
    .map(([local, domain]) => `x${local}@${domain}y.com`)

  test('the canonical form of a canonical form is itself', () => {
    const changed = fc
      .sample(fc.oneof(anyAddress, fc.emailAddress(), fc.string({ unit: 'binary' })), 2000)
      .map((text) => canonicalEmail(text))
      .filter((canonical) => canonical !== null)
      .filter((canonical) => canonicalEmail(canonical) !== canonical)
    expect(changed).toEqual([])
  })

  test('each character of Unicode gives one form, whether it is typed in upper or lower case', () => {
    const unstable: string[] = []
    for (let code = 0x21; code <= 0x2_ffff; code++) {
      const canonical = canonicalEmail(`x${String.fromCodePoint(code)}@example.com`)
      if (canonical !== null && canonicalEmail(canonical) !== canonical) unstable.push(code.toString(16))
    }
    expect(unstable).toEqual([])
  })

  test('the canonical form holds exactly one @ and an ASCII domain', () => {
    fc.assert(
      fc.property(anyAddress, (text) => {
        expect(canonicalEmail(text) ?? 'none@example.com').toMatch(/^[^@]+@[a-z\d.-]+$/)
      }),
    )
  })
})
