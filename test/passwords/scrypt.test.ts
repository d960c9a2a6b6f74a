import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/core/errors.ts'
import { scryptHasher } from '../../src/passwords/scrypt.ts'
import type { ScryptOptions } from '../../src/passwords/scrypt.ts'

const cheap: ScryptOptions = { cost: 2 ** 10, blockSize: 8, parallelization: 1 }
const hasher = scryptHasher(cheap)
const PASSWORD = 'kitchen table with nine legs'

const problemsOf = (options: ScryptOptions): readonly string[] => {
  try {
    scryptHasher(options)
  } catch (cause) {
    if (cause instanceof ConfigError) return cause.problems.map(({ path }) => path)
    throw cause
  }
  return []
}

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '')

const hashedWith = (options: ScryptOptions): Promise<string> => scryptHasher({ ...cheap, ...options }).hash(PASSWORD)

describe('hash and verify', () => {
  test('know the password again, and no other', async () => {
    const hash = await hasher.hash(PASSWORD)
    expect(await hasher.verify(PASSWORD, hash)).toBe(true)
    expect(await hasher.verify(`${PASSWORD} `, hash)).toBe(false)
    expect(await hasher.verify(PASSWORD.slice(0, -1), hash)).toBe(false)
    expect(await hasher.verify('', hash)).toBe(false)
  })

  test('write a PHC string of a 16 byte salt and a 32 byte key, with the settings of design by default', async () => {
    expect(await scryptHasher().hash(PASSWORD)).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$[A-Za-z\d+/]{22}\$[A-Za-z\d+/]{43}$/)
  })

  test('salt each hash anew', async () => {
    expect(await hasher.hash(PASSWORD)).not.toBe(await hasher.hash(PASSWORD))
  })

  test('agree with the test vector of RFC 7914 §12', async () => {
    // scrypt("pleaseletmein", "SodiumChloride", N = 16384, r = 8, p = 1, dkLen = 64)
    const key =
      '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2' +
      'd5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887'
    const hash = `$scrypt$ln=14,r=8,p=1$${unpadded(Buffer.from('SodiumChloride'))}$${unpadded(Buffer.from(key, 'hex'))}`
    expect(await hasher.verify('pleaseletmein', hash)).toBe(true)
    expect(await hasher.verify('pleaseletmeout', hash)).toBe(false)
  })

  test('use every byte: nothing is cut at 72 bytes or at NUL (N142)', async () => {
    const long = 'a'.repeat(4095)
    const hash = await hasher.hash(`${long}x`)
    expect(await hasher.verify(`${long}x`, hash)).toBe(true)
    expect(await hasher.verify(`${long}y`, hash)).toBe(false)
    const withNul = await hasher.hash('kitchen\u0000table')
    expect(await hasher.verify('kitchen\u0000chair', withNul)).toBe(false)
    expect(await hasher.verify('kitchen\u0000table', withNul)).toBe(true)
  })

  test('verify what was hashed with other settings', async () => {
    const hash = await scryptHasher({ cost: 2 ** 11, blockSize: 4, parallelization: 2 }).hash(PASSWORD)
    expect(await hasher.verify(PASSWORD, hash)).toBe(true)
  })

  test('keep the event loop free', async () => {
    let turns = 0
    const timer = setInterval(() => (turns += 1), 1)
    await scryptHasher({ cost: 2 ** 15 }).hash(PASSWORD)
    clearInterval(timer)
    expect(turns).toBeGreaterThan(2)
  })
})

describe('a hash from elsewhere is refused, not trusted', () => {
  const SALT = 'c29tZXNhbHRzb21lc2FsdA'
  const KEY = 'kx6l8Zr6ql1bUMQQgcSDH6tNGxB9vvPpRoOWzXUPM2o'

  test.each([
    ['ln=30: a terabyte', `$scrypt$ln=30,r=8,p=1$${SALT}$${KEY}`],
    ['ln=21', `$scrypt$ln=21,r=8,p=1$${SALT}$${KEY}`],
    ['ln=20 with r=32: four gigabytes', `$scrypt$ln=20,r=32,p=1$${SALT}$${KEY}`],
    ['r=99', `$scrypt$ln=15,r=99,p=1$${SALT}$${KEY}`],
    ['p=17', `$scrypt$ln=15,r=8,p=17$${SALT}$${KEY}`],
    ['ln=20 with p=16: minutes', `$scrypt$ln=20,r=8,p=16$${SALT}$${KEY}`],
    ['ln=1: no work at all', `$scrypt$ln=1,r=8,p=1$${SALT}$${KEY}`],
    ['ln=0', `$scrypt$ln=0,r=8,p=1$${SALT}$${KEY}`],
    ['r=0', `$scrypt$ln=15,r=0,p=1$${SALT}$${KEY}`],
    ['a leading zero', `$scrypt$ln=015,r=8,p=1$${SALT}$${KEY}`],
    ['a sign', `$scrypt$ln=+15,r=8,p=1$${SALT}$${KEY}`],
    ['another order', `$scrypt$r=8,ln=15,p=1$${SALT}$${KEY}`],
    ['no salt', `$scrypt$ln=15,r=8,p=1$$${KEY}`],
    ['no key, which would match anything', `$scrypt$ln=15,r=8,p=1$${SALT}$`],
    ['a key of one byte', `$scrypt$ln=15,r=8,p=1$${SALT}$QQ`],
    ['a key of a megabyte', `$scrypt$ln=15,r=8,p=1$${SALT}$${'A'.repeat(1_400_000)}`],
    ['padding', `$scrypt$ln=15,r=8,p=1$${SALT}==$${KEY}=`],
    ['the alphabet of URLs', `$scrypt$ln=15,r=8,p=1$${SALT.replace('c', '-')}$${KEY}`],
    ['bits left over', `$scrypt$ln=10,r=8,p=1$${SALT.slice(0, -1)}B$${KEY}`],
    ['a line feed behind it', `$scrypt$ln=15,r=8,p=1$${SALT}$${KEY}\n`],
    ['something in front of it', ` $scrypt$ln=15,r=8,p=1$${SALT}$${KEY}`],
    ['another algorithm', `$argon2id$v=19$m=19456,t=2,p=1$${SALT}$${KEY}`],
    ['bcrypt', '$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234'],
    ['the password itself', PASSWORD],
    ['nothing', ''],
  ])('%s', async (_, hash) => {
    const started = performance.now()
    expect(await hasher.verify(PASSWORD, hash)).toBe(false)
    expect(performance.now() - started).toBeLessThan(500)
    expect(hasher.needsRehash(hash)).toBe(true)
  })
})

describe('needsRehash', () => {
  test('is false for a hash of the same settings', async () => {
    expect(hasher.needsRehash(await hashedWith({}))).toBe(false)
  })

  test('is true where any of memory and work is less than today', async () => {
    const today = scryptHasher({ cost: 2 ** 11, blockSize: 8, parallelization: 2 })
    expect(today.needsRehash(await hashedWith({ cost: 2 ** 10, parallelization: 2 }))).toBe(true)
    expect(today.needsRehash(await hashedWith({ cost: 2 ** 11, parallelization: 1 }))).toBe(true)
    expect(today.needsRehash(await hashedWith({ cost: 2 ** 11, parallelization: 2, blockSize: 4 }))).toBe(true)
    // Twice the memory at the same work is no less.
    expect(today.needsRehash(await hashedWith({ cost: 2 ** 12, parallelization: 1 }))).toBe(false)
    // The same work in half of the memory is less.
    expect(today.needsRehash(await hashedWith({ cost: 2 ** 10, parallelization: 4 }))).toBe(true)
  })

  test('is false for a hash stronger than today, which a lowered setting must not weaken', async () => {
    expect(hasher.needsRehash(await hashedWith({ cost: 2 ** 12, parallelization: 2 }))).toBe(false)
  })
})

describe('settings', () => {
  test('are refused all at once where scrypt cannot have them', () => {
    expect(problemsOf({ cost: 1000, blockSize: 0, parallelization: 1.5 })).toEqual([
      'scrypt.cost',
      'scrypt.blockSize',
      'scrypt.parallelization',
    ])
  })

  test.each<[string, ScryptOptions]>([
    ['too cheap', { cost: 2 ** 9 }],
    ['too dear', { cost: 2 ** 21 }],
    ['not a number', { cost: Number.NaN }],
    ['gigabytes in one hash', { cost: 2 ** 20, blockSize: 16 }],
    ['minutes in one hash', { cost: 2 ** 20, parallelization: 16 }],
  ])('are refused where they are %s', (_, options) => {
    expect(problemsOf(options)).toHaveLength(1)
  })

  test('that are accepted make hashes that are accepted', async () => {
    const hash = await scryptHasher({ cost: 2 ** 10, blockSize: 32, parallelization: 16 }).hash(PASSWORD)
    expect(await hasher.verify(PASSWORD, hash)).toBe(true)
  })

  test('of OWASP’s table all fit Node’s memory limit as it is set', async () => {
    const rows = [
      [2 ** 17, 1],
      [2 ** 16, 2],
      [2 ** 15, 3],
      [2 ** 14, 5],
      [2 ** 13, 10],
    ] as const
    for (const [cost, parallelization] of rows) {
      // One after the other: the largest takes 128 MiB.
      const hash = await scryptHasher({ cost, parallelization }).hash(PASSWORD)
      expect(hash).toContain(`ln=${Math.log2(cost)},r=8,p=${parallelization}$`)
    }
  })
})
