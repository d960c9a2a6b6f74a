import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { AuthError, ConfigError } from '../../src/core/errors.ts'
import { boundedHasher } from '../../src/passwords/bounded-hasher.ts'
import { scryptHasher } from '../../src/passwords/scrypt.ts'
import type { PasswordHasher } from '../../src/ports/password-hasher.ts'

/** A hasher whose works end when they are told to, and which counts them. */
const handDriven = () => {
  const atWork: { readonly password: string; readonly end: () => void; readonly fail: () => void }[] = []
  const started: string[] = []
  let most = 0
  const work = <T>(password: string, result: T): Promise<T> =>
    new Promise((resolve, reject) => {
      started.push(password)
      const leave = (): void => void atWork.splice(atWork.indexOf(entry), 1)
      const entry = {
        password,
        end: () => {
          leave()
          resolve(result)
        },
        fail: () => {
          leave()
          reject(new Error('out of memory'))
        },
      }
      atWork.push(entry)
      most = Math.max(most, atWork.length)
    })
  const hasher: PasswordHasher = {
    hash: (password) => work(password, `hash of ${password}`),
    verify: (password) => work(password, true),
    needsRehash: () => true,
  }
  return { hasher, atWork, started, most: () => most }
}

describe('boundedHasher (N141)', () => {
  test('runs at most so many works at once, and the rest in the order of their coming', async () => {
    const { hasher, atWork, started, most } = handDriven()
    const bounded = boundedHasher(hasher, { concurrency: 2, queue: 10 })
    const works = ['a', 'b', 'c', 'd', 'e'].map((password) => bounded.hash(password))
    await nextTurn()
    expect(started).toEqual(['a', 'b'])
    for (let done = 0; done < works.length; done++) {
      atWork[0]?.end()
      await nextTurn()
    }
    expect(await Promise.all(works)).toEqual(['hash of a', 'hash of b', 'hash of c', 'hash of d', 'hash of e'])
    expect(started).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(most()).toBe(2)
  })

  test('counts hashing and verifying together', async () => {
    const { hasher, atWork, most } = handDriven()
    const bounded = boundedHasher(hasher, { concurrency: 1, queue: 10 })
    const works = [bounded.hash('a'), bounded.verify('b', 'hash'), bounded.hash('c')]
    for (let done = 0; done < works.length; done++) {
      await nextTurn()
      atWork[0]?.end()
    }
    expect(await Promise.all(works)).toEqual(['hash of a', true, 'hash of c'])
    expect(most()).toBe(1)
  })

  test('refuses at once beyond the queue, with a time to come back, and touches the hasher for nobody refused', async () => {
    const { hasher, atWork, started } = handDriven()
    const bounded = boundedHasher(hasher, { concurrency: 1, queue: 1 })
    const works = [bounded.hash('a'), bounded.hash('b')]
    const refused = await bounded.verify('c', 'hash').catch((cause: unknown) => cause)
    expect(refused).toBeInstanceOf(AuthError)
    expect(refused).toMatchObject({ code: 'overloaded', status: 503, details: { retryAfter: 1 } })
    atWork[0]?.end()
    await nextTurn()
    atWork[0]?.end()
    await Promise.all(works)
    expect(started).toEqual(['a', 'b'])
  })

  test('accepts again once there is room', async () => {
    const { hasher, atWork } = handDriven()
    const bounded = boundedHasher(hasher, { concurrency: 1, queue: 0 })
    const first = bounded.hash('a')
    await expect(bounded.hash('b')).rejects.toThrow(AuthError)
    atWork[0]?.end()
    await first
    const second = bounded.hash('c')
    await nextTurn()
    atWork[0]?.end()
    expect(await second).toBe('hash of c')
  })

  test('gives the place of a failed work to the next', async () => {
    const { hasher, atWork } = handDriven()
    const bounded = boundedHasher(hasher, { concurrency: 1, queue: 1 })
    const [failed, next] = [bounded.hash('a'), bounded.hash('b')]
    await nextTurn()
    atWork[0]?.fail()
    await expect(failed).rejects.toThrow('out of memory')
    await nextTurn()
    atWork[0]?.end()
    expect(await next).toBe('hash of b')
  })

  test('lets nobody overtake who is waiting, nor join who has just been let in', async () => {
    const { hasher, atWork, started, most } = handDriven()
    const bounded = boundedHasher(hasher, { concurrency: 1, queue: 5 })
    const works = [bounded.hash('a'), bounded.hash('b')]
    await nextTurn()
    atWork[0]?.end()
    // The place of `a` has not passed to `b` yet.
    works.push(bounded.hash('c'))
    await nextTurn()
    works.push(bounded.hash('d'))
    for (let done = 0; done < 3; done++) {
      await nextTurn()
      atWork[0]?.end()
    }
    await Promise.all(works)
    expect(started).toEqual(['a', 'b', 'c', 'd'])
    expect(most()).toBe(1)
  })

  test('verifies with the real hasher what it has hashed, a flood at once', async () => {
    const bounded = boundedHasher(scryptHasher({ cost: 2 ** 10, parallelization: 1 }))
    const hash = await bounded.hash('kitchen table')
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        bounded.verify(index % 2 === 0 ? 'kitchen table' : 'kitchen chair', hash),
      ),
    )
    expect(outcomes.filter(Boolean)).toHaveLength(30)
  })

  test('accepts four at work and sixty-four waiting by default', async () => {
    const { hasher, atWork } = handDriven()
    const bounded = boundedHasher(hasher)
    const works = Array.from({ length: 68 }, () => bounded.hash('a'))
    await nextTurn()
    expect(atWork).toHaveLength(4)
    await expect(bounded.hash('one more')).rejects.toMatchObject({ code: 'overloaded' })
    while (atWork.length > 0) {
      atWork[0]?.end()
      await nextTurn()
    }
    expect(await Promise.all(works)).toHaveLength(68)
  })

  test.each([{ concurrency: 0 }, { concurrency: 1.5 }, { queue: -1 }, { queue: Number.POSITIVE_INFINITY }])(
    'refuses the bounds %j at start-up',
    (bounds) => {
      expect(() => boundedHasher(handDriven().hasher, bounds)).toThrow(ConfigError)
    },
  )
})
