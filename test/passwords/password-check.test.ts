import { describe, expect, test } from 'vitest'
import { AuthError } from '../../src/core/errors.ts'
import { boundedHasher } from '../../src/passwords/bounded-hasher.ts'
import { createPasswordCheck } from '../../src/passwords/password-check.ts'
import { scryptHasher } from '../../src/passwords/scrypt.ts'
import type { PasswordHasher } from '../../src/ports/password-hasher.ts'
import type { User } from '../../src/ports/user-directory.ts'

const NO_MATCH = { matches: false, needsRehash: false }
const PASSWORD = 'kitchen table with nine legs'

const userWith = (passwordHash: string | null): User => ({
  id: 'usr_1',
  email: 'ann@example.com',
  passwordHash,
  permissions: [],
  active: true,
  credentialVersion: 1,
  profile: {},
  createdAt: 1_700_000_000,
})

const cheap = (): PasswordHasher => scryptHasher({ cost: 2 ** 10, parallelization: 1 })

/** The real hasher, with a list of what was asked of it. */
const recorded = (hasher: PasswordHasher) => {
  const calls: string[] = []
  const recording: PasswordHasher = {
    hash: (password) => {
      calls.push('hash')
      return hasher.hash(password)
    },
    verify: (password, hash) => {
      calls.push('verify')
      return hasher.verify(password, hash)
    },
    needsRehash: (hash) => hasher.needsRehash(hash),
  }
  return { recording, calls }
}

const median = (values: readonly number[]): number =>
  values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN

describe('check', () => {
  test('matches the password of the user, and no other', async () => {
    const { hash, check } = createPasswordCheck(cheap())
    const user = userWith(await hash(PASSWORD))
    expect(await check(user, PASSWORD)).toEqual({ matches: true, needsRehash: false })
    expect(await check(user, 'kitchen table with nine leg')).toEqual(NO_MATCH)
    expect(await check(user, '')).toEqual(NO_MATCH)
  })

  test('matches nothing for an unknown user and for a user without a password', async () => {
    const { check } = createPasswordCheck(cheap())
    for (const user of [null, userWith(null)]) {
      expect(await check(user, PASSWORD)).toEqual(NO_MATCH)
      expect(await check(user, '')).toEqual(NO_MATCH)
    }
  })

  test('matches nothing for an unknown user even where the hasher says yes to everything', async () => {
    const yes: PasswordHasher = { hash: async () => 'x', verify: async () => true, needsRehash: () => true }
    expect(await createPasswordCheck(yes).check(null, PASSWORD)).toEqual(NO_MATCH)
    expect(await createPasswordCheck(yes).check(userWith(null), PASSWORD)).toEqual(NO_MATCH)
  })

  test('matches nothing for a hash that the hasher does not understand', async () => {
    const { check } = createPasswordCheck(cheap())
    expect(await check(userWith(''), PASSWORD)).toEqual(NO_MATCH)
    expect(await check(userWith(PASSWORD), PASSWORD)).toEqual(NO_MATCH)
  })

  test('takes composed and decomposed letters for the same (NIST SP 800-63B-4 §3.1.1.2)', async () => {
    const { hash, check } = createPasswordCheck(cheap())
    const user = userWith(await hash('cafe\u0301 au lait'))
    expect((await check(user, 'caf\u00E9 au lait')).matches).toBe(true)
  })

  test('asks for a new hash where a matching one is weaker than today, and never where none matches', async () => {
    const old = createPasswordCheck(cheap())
    const { check } = createPasswordCheck(scryptHasher({ cost: 2 ** 11, parallelization: 1 }))
    const user = userWith(await old.hash(PASSWORD))
    expect(await check(user, PASSWORD)).toEqual({ matches: true, needsRehash: true })
    expect(await check(user, 'another')).toEqual(NO_MATCH)
  })
})

describe('equal time for everybody (N140)', () => {
  test('asks the hasher for the same work, from the first check on, whoever it is', async () => {
    const stored = await cheap().hash(PASSWORD)
    const traces: string[][] = []
    for (const user of [null, userWith(null), userWith(stored)]) {
      const { recording, calls } = recorded(cheap())
      const { check } = createPasswordCheck(recording)
      await check(user, 'a wrong password')
      await check(user, 'a wrong password')
      traces.push(calls)
    }
    expect(traces[0]).toEqual(['hash', 'verify', 'verify'])
    expect(traces[1]).toEqual(traces[0])
    expect(traces[2]).toEqual(traces[0])
  })

  test('takes as long for an unknown user and for one without a password as for a wrong password', async () => {
    const { hash, check } = createPasswordCheck(scryptHasher({ cost: 2 ** 12, parallelization: 1 }))
    const known = userWith(await hash(PASSWORD))
    await check(null, 'the decoy is made')
    const times = { known: [] as number[], unknown: [] as number[], withoutPassword: [] as number[] }
    const cases = [
      [times.known, known],
      [times.unknown, null],
      [times.withoutPassword, userWith(null)],
    ] as const
    // In turn, so that a busy moment of the machine meets all of them.
    for (let round = 0; round < 25; round++) {
      for (const [samples, user] of cases) {
        const started = performance.now()
        await check(user, 'a wrong password')
        samples.push(performance.now() - started)
      }
    }
    expect(median(times.unknown)).toBeGreaterThan(0.7 * median(times.known))
    expect(median(times.withoutPassword)).toBeGreaterThan(0.7 * median(times.known))
    expect(median(times.known)).toBeGreaterThan(0.7 * median(times.unknown))
  })

  test('refuses more than 4,096 bytes for everybody alike, without any hashing (N141)', async () => {
    const stored = await cheap().hash(PASSWORD)
    const { recording, calls } = recorded(cheap())
    const { check } = createPasswordCheck(recording)
    for (const user of [null, userWith(null), userWith(stored)]) {
      expect(await check(user, 'x'.repeat(4097))).toEqual(NO_MATCH)
    }
    expect(calls).toEqual([])
  })

  test('makes one decoy for a crowd', async () => {
    const { recording, calls } = recorded(cheap())
    const { check } = createPasswordCheck(recording)
    await Promise.all(Array.from({ length: 5 }, () => check(null, PASSWORD)))
    expect(calls.filter((call) => call === 'hash')).toHaveLength(1)
  })

  test('refuses everybody alike while overloaded, and recovers', async () => {
    const bounded = boundedHasher(cheap(), { concurrency: 1, queue: 0 })
    const { check } = createPasswordCheck(bounded)
    const user = userWith(await bounded.hash(PASSWORD))
    const busy = bounded.hash('something else')
    await expect(check(null, PASSWORD)).rejects.toMatchObject({ code: 'overloaded' })
    await expect(check(user, PASSWORD)).rejects.toMatchObject({ code: 'overloaded' })
    await busy
    expect((await check(user, PASSWORD)).matches).toBe(true)
    expect(await check(null, PASSWORD)).toEqual(NO_MATCH)
  })
})

describe('hash', () => {
  test('refuses more than 4,096 bytes and truncates nothing', async () => {
    const { hash, check } = createPasswordCheck(cheap())
    await expect(hash('x'.repeat(4097))).rejects.toThrow(AuthError)
    await expect(hash('x'.repeat(4097))).rejects.toMatchObject({ code: 'password_rejected' })
    const user = userWith(await hash('x'.repeat(4096)))
    expect((await check(user, 'x'.repeat(4096))).matches).toBe(true)
    expect((await check(user, 'x'.repeat(4095))).matches).toBe(false)
  })

  test('tells nothing of the password in its refusal (N147)', async () => {
    const secret = 'canary-3f9a'
    const refusal: unknown = await createPasswordCheck(cheap())
      .hash(secret.repeat(1000))
      .catch((cause: unknown) => cause)
    expect(refusal).toBeInstanceOf(AuthError)
    expect(JSON.stringify([refusal, String(refusal), (refusal as AuthError).detail])).not.toContain(secret)
  })
})
