import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { COMMON_PASSWORDS } from '../../../src/core/user/common-passwords.ts'
import { checkPassword, isPasswordTooLong, normalizePassword } from '../../../src/core/user/password-policy.ts'

const COMMON = 'must not be one that is commonly used'
const SEQUENCE = 'must not be a simple sequence'
const CONTEXT = 'must not be made of your address or the name of this service'

/** The quickest of five runs, in milliseconds: what a busy machine does to the others does not count. */
const quickest = (run: () => unknown): number =>
  Math.min(
    ...Array.from({ length: 5 }, () => {
      const started = performance.now()
      run()
      return performance.now() - started
    }),
  )

describe('length (NIST SP 800-63B-4 §3.1.1.2)', () => {
  test('asks for eight characters by default', () => {
    expect(checkPassword('vK3!xq9')).toBe('must have at least 8 characters')
    expect(checkPassword('vK3!xq9z')).toBeNull()
  })

  test('asks for as many as the service wants', () => {
    expect(checkPassword('vK3!xq9z', { minLength: 15 })).toBe('must have at least 15 characters')
    expect(checkPassword('vK3!xq9zvK4!xq0', { minLength: 15 })).toBeNull()
  })

  test('counts code points: a character beyond the first plane is one', () => {
    expect(checkPassword('🦊🐢🦉🐙🦋🐌🦀')).toBe('must have at least 8 characters')
    expect(checkPassword('🦊🐢🦉🐙🦋🐌🦀🐝')).toBeNull()
  })

  test('counts what was typed where normalisation makes more of it', () => {
    expect(checkPassword('ﷺ')).toBe('must have at least 8 characters')
  })

  test('accepts any 64 characters, whatever they become', () => {
    expect(checkPassword('ﷺﷻ𝒜'.repeat(21) + 'z')).toBeNull()
  })

  test('refuses more than 4,096 bytes and truncates nothing (N141)', () => {
    const long = 'correct horse '.repeat(300)
    expect(checkPassword(long.slice(0, 4096))).toBeNull()
    expect(checkPassword(long.slice(0, 4097))).toBe('must have at most 4096 bytes')
    expect(isPasswordTooLong('é'.repeat(2048))).toBe(false)
    expect(isPasswordTooLong('é'.repeat(2049))).toBe(true)
    expect(isPasswordTooLong('ﷺ'.repeat(200))).toBe(true)
  })

  test('refuses megabytes before they are normalised (N141)', () => {
    const text = 'ﷺ'.repeat(1_000_000)
    expect(checkPassword(text)).toBe('must have at most 4096 bytes')
    expect(quickest(() => checkPassword(text))).toBeLessThan(quickest(() => normalizePassword(text)) / 2)
  })

  test('refuses half of a surrogate pair, which UTF-8 cannot tell from another half', () => {
    expect(checkPassword('vK3!xq9z\uD800')).toBe('must be valid Unicode text')
    expect(checkPassword('vK3!xq9z\uDC00x')).toBe('must be valid Unicode text')
  })
})

describe('no composition rules', () => {
  test.each([
    'kitchen table with nine legs',
    'zvmrtqpwx',
    '83920174658',
    '        x y      ',
    'пароль не из списка',
    'vK3!\u0000xq9',
  ])('accepts %j', (password) => {
    expect(checkPassword(password)).toBeNull()
  })
})

describe('blocklist', () => {
  test.each([
    'password',
    'PassWord',
    'password1',
    'Password123!',
    'p@ssw0rd',
    'iloveyou',
    'Sunshine2024',
    'qwerty123',
    'trustno1',
    'ｐａｓｓｗｏｒｄ',
  ])('refuses the commonly used %s', (password) => {
    expect(checkPassword(password)).toBe(COMMON)
  })

  test('refuses every password of its list', () => {
    expect(COMMON_PASSWORDS.size).toBeGreaterThan(300)
    for (const password of COMMON_PASSWORDS) expect(checkPassword(password)).not.toBeNull()
  })

  test('lists what can be met: eight characters or more, in the form in which passwords are compared', () => {
    for (const entry of COMMON_PASSWORDS) {
      expect(entry.length).toBeGreaterThanOrEqual(8)
      expect(entry).toBe(normalizePassword(entry).toLowerCase())
    }
  })

  test('lists no word a second time for the digits and signs behind it', () => {
    const covered = Array.from(COMMON_PASSWORDS).filter((entry) => {
      const stem = entry.replace(/[\p{N}\p{P}\p{S}]+$/u, '')
      return stem !== entry && COMMON_PASSWORDS.has(stem)
    })
    expect(covered).toEqual([])
  })

  test.each(['aaaaaaaa', 'AaAaAaAa', '!!!!!!!!!!', '🦊🦊🦊🦊🦊🦊🦊🦊', '        '])(
    'refuses one character repeated: %s',
    (password) => {
      expect(checkPassword(password)).toBe('must not be one character repeated')
    },
  )

  test.each(['xyxyxyxy', 'bqzbqzbqz', 'hop!hop!'])('refuses one short pattern repeated: %s', (password) => {
    expect(checkPassword(password)).toBe('must not be one pattern repeated')
  })

  test.each([
    '23456789',
    '98765432',
    '1234567890123',
    'abcdefgh',
    'ZYXWVUTSR',
    'qwertyuiop',
    'poiuytre',
    'QWERTZUI',
    'azertyuiop',
    'asdfghjkl',
    '1qaz2wsx3e',
    'йцукенгш',
  ])('refuses the simple sequence %s', (password) => {
    expect([SEQUENCE, COMMON]).toContain(checkPassword(password))
  })
})

describe('context', () => {
  const context = ['Ann.Lee@example.com', 'Jotward', '']

  test.each([
    'ann.lee@example.com',
    'ann.lee1',
    'ANN.LEE!2024',
    '99ann.lee',
    'jotward1',
    'Jotward2024!',
    'jotwardjotward',
    '1jotward1',
  ])('refuses %s, made of the address or the name of the service', (password) => {
    expect(checkPassword(password, { context })).toBe(CONTEXT)
  })

  test.each(['jotward is my ward', 'ann.leeward', 'example.org/x', '83920174658'])(
    'accepts %s, which has more to it',
    (password) => {
      expect(checkPassword(password, { context })).toBeNull()
    },
  )

  test('finds a word in another normal form', () => {
    expect(checkPassword('rene\u0301-rene\u0301', { context: ['Ren\u00E9@example.com'] })).toBe(CONTEXT)
  })
})

describe('words of a refusal', () => {
  test('are public and constant, so that they cannot repeat the password', () => {
    const words = [
      COMMON,
      SEQUENCE,
      CONTEXT,
      'must have at least 40 characters',
      'must have at most 4096 bytes',
      'must be valid Unicode text',
      'must not be one character repeated',
      'must not be one pattern repeated',
    ]
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.nat(40), (password, minLength) => {
        const reason = checkPassword(password, { minLength, context: [password] })
        const text = `must have at least ${minLength} characters`
        expect([...words, text, null]).toContain(reason)
      }),
    )
  })
})

describe('normalizePassword', () => {
  test('gives composed and decomposed letters one form', () => {
    expect(normalizePassword('cafe\u0301')).toBe(normalizePassword('caf\u00E9'))
  })

  test('is stable: what is normalised at sign-up is the same at every sign-in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (password) => {
        const once = normalizePassword(password)
        expect(normalizePassword(once)).toBe(once)
      }),
    )
  })

  test('keeps case, spaces and length', () => {
    expect(normalizePassword('  Two  Words ')).toBe('  Two  Words ')
    expect(normalizePassword('x'.repeat(4096))).toHaveLength(4096)
  })
})
