import { expect } from 'vitest'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { ThrottleOptions } from '../../src/routes/throttle-options.ts'
import type { Answer, Sent } from '../conformance/exchange.ts'
import { cheapHasher, createBed } from '../conformance/routes/bed.ts'
import type { Ground, Settings } from '../conformance/routes/bed.ts'
import { createRecord } from '../conformance/routes/record.ts'
import type { Serve } from '../conformance/serve.ts'
import { openMemoryStore } from '../conformance/stores.ts'

/** Failures until an account, or a client, is refused. */
export const LIMITS = { account: 3, address: 6 } as const

const WINDOW_SECONDS = 600

export const limiter = (points: number): RateLimiterMemory =>
  new RateLimiterMemory({ points, duration: WINDOW_SECONDS })

/** Limiters as an application makes them. Tests say who they are by a header of their own. */
export const limits = (changes: Partial<ThrottleOptions> = {}): ThrottleOptions => ({
  account: limiter(LIMITS.account),
  address: limiter(LIMITS.address),
  clientOf: (request) => request.headers.get('x-test-client'),
  ...changes,
})

export const from = (client: string, sent: Sent): Sent => ({
  ...sent,
  headers: [...(sent.headers ?? []), ['X-Test-Client', client]],
})

export const groundOf = (serve: Serve, openStore: Ground['openStore'] = openMemoryStore): Ground => ({
  serve,
  after: 'nothing',
  openStore,
  record: createRecord(),
})

/** The endpoints with limits, and a count of the passwords that were looked at. */
export const createThrottledBed = async (
  ground: Ground,
  { options, throttle = limits(), ...settings }: Settings & { readonly throttle?: ThrottleOptions } = {},
) => {
  const seen = { checks: 0, hashes: 0 }
  const hasher = cheapHasher()
  const counting = {
    ...hasher,
    hash: (password: string) => {
      seen.hashes += 1
      return hasher.hash(password)
    },
    verify: (password: string, hash: string) => {
      seen.checks += 1
      return hasher.verify(password, hash)
    },
  }
  const bed = await createBed(ground, {
    ...settings,
    options: { passwords: { hasher: counting }, ...options, throttle },
  })

  /** Sends a request that must be refused without a look at its password. */
  const limited = async (sent: Sent): Promise<Answer> => {
    const before = { ...seen }
    const answer = await bed.send(sent)
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      429,
      { error: 'rate_limited', code: 'rate_limited', error_description: 'Too many attempts.' },
    ])
    const wait = answer.header('retry-after') ?? ''
    expect(wait).toMatch(/^[1-9]\d*$/)
    expect(Number(wait)).toBeLessThanOrEqual(WINDOW_SECONDS)
    expect([answer.header('cache-control'), answer.header('www-authenticate')]).toEqual(['no-store', null])
    expect(seen).toEqual(before)
    return answer
  }

  return { ...bed, seen, limited }
}

export type ThrottledBed = Awaited<ReturnType<typeof createThrottledBed>>
