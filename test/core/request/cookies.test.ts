import { describe, expect, test } from 'vitest'
import { cookieValues, isCookieName, serializeCookie, unsetCookie } from '../../../src/core/request/cookies.ts'
import type { CookieTarget } from '../../../src/core/request/cookies.ts'

const TARGET: CookieTarget = {
  name: '__Host-a',
  path: '/',
  domain: null,
  secure: true,
  httpOnly: true,
  sameSite: 'Lax',
}

describe('a cookie that is set (RFC 6265bis §4.1)', () => {
  test('names all that it was given, and ends with its token', () => {
    expect(serializeCookie(TARGET, 'x.y.z', 900)).toBe(
      '__Host-a=x.y.z; Path=/; Max-Age=900; Secure; HttpOnly; SameSite=Lax',
    )
    expect(serializeCookie({ ...TARGET, name: 'a', domain: 'example.com', sameSite: 'None' }, 'x', 1)).toBe(
      'a=x; Path=/; Max-Age=1; Domain=example.com; Secure; HttpOnly; SameSite=None',
    )
  })

  test('says nothing of what it is not', () => {
    const plain = { ...TARGET, name: 'a', path: '/auth', secure: false, httpOnly: false }
    expect(serializeCookie(plain, 'x', null)).toBe('a=x; Path=/auth; SameSite=Lax')
  })

  test('has a whole number of seconds, and never less than none', () => {
    expect(serializeCookie(TARGET, 'x', 1.9)).toContain('Max-Age=1;')
    expect(serializeCookie(TARGET, 'x', -5)).toContain('Max-Age=0;')
  })
})

test('is unset with the attributes with which it was set, for clients of any age (S2-8, #92)', () => {
  expect(unsetCookie({ ...TARGET, name: 'a', path: '/auth', domain: 'example.com' })).toBe(
    'a=; Path=/auth; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Domain=example.com; Secure; HttpOnly; SameSite=Lax',
  )
})

describe('the cookies of a request (RFC 6265bis §5.7)', () => {
  test.each<readonly [title: string, header: string | null, values: readonly string[]]>([
    ['no header', null, []],
    ['an empty one', '', []],
    ['one cookie', 'a=1', ['1']],
    ['one among others', 'x=0; a=1; y=2', ['1']],
    ['no blank after the semicolon', 'x=0;a=1', ['1']],
    ['many blanks and empty parts', ';;  a=1 ;; ', ['1']],
    ['an empty value', 'a=', ['']],
    ['equals signs in the value', 'a=b=c==', ['b=c==']],
    ['a value in quotes, which stay', 'a="1"', ['"1"']],
    ['commas, which part nothing', 'x=1,a=2; a=3', ['3']],
    ['a comma behind', 'a=1, a=2', ['1, a=2']],
    ['two of one name', 'a=1; a=2', ['1', '2']],
    ['two of one name that are equal', 'a=1; a=1', ['1', '1']],
    ['a longer name', 'aa=1; a2=2; a-=3', []],
    ['a name that ends alike', 'ba=1; __Host-a=2', []],
    ['another case', 'A=1', []],
    ['the name without a value', 'a; a=1', ['1']],
    ['the name encoded', '%61=1', []],
    ['the name as the value of another', 'x=a=1', []],
    ['a blank before the equals sign', 'a =1', []],
    ['no name', '=a=1', []],
  ])('are found with %s', (_title, header, values) => {
    expect(cookieValues(header, 'a')).toEqual(values)
  })

  test('are found in no time in a long header (CWE-1333)', () => {
    const started = performance.now()
    expect(cookieValues(`${'; '.repeat(200_000)}a=1;${' '.repeat(200_000)}`, 'a')).toEqual(['1'])
    expect(performance.now() - started).toBeLessThan(500)
  })
})

test('a name is a token of HTTP of at most 128 characters', () => {
  for (const name of ['a', '__Host-a', "!#$%&'*+-.^_`|~09AZaz", 'a'.repeat(128)]) expect(isCookieName(name)).toBe(true)
  const bad = ['', 'a b', 'a;b', 'a=b', 'a,b', 'é', 'a\n', '"a"', 'a'.repeat(129), undefined, 1]
  for (const name of bad) expect([name, isCookieName(name)]).toEqual([name, false])
})
