import { describe, expect, test } from 'vitest'
import type { Sent } from '../conformance/exchange.ts'
import { bearer, form, PASSWORD, post } from '../conformance/routes/bed.ts'
import type { Pair } from '../conformance/routes/bed.ts'
import { serveExpress } from '../conformance/serve-express.ts'
import { serveFastify } from '../conformance/serve-fastify.ts'
import { serveFetch } from '../conformance/serve-fetch.ts'
import { serveHonoOnNode } from '../conformance/serve-hono.ts'
import { openSqliteStore } from '../conformance/stores.ts'
import { createThrottledBed, from, groundOf, limiter, limits, LIMITS } from './throttle-bed.ts'
import type { ThrottledBed } from './throttle-bed.ts'

const NEXT = 'a hat made of old newspapers'

interface Somebody {
  readonly email: string
  readonly pair: Pair
}

type Door = (who: Somebody, password: string) => Sent

const signInAs = (email: string, password: string): Sent => post('/auth/signin', { email, password })

/** Every way to ask whether a password is the right one. */
const DOORS: Readonly<Record<string, Door>> = {
  'sign-in': ({ email }, password) => signInAs(email, password),
  'the password grant': ({ email }, password) =>
    form('/auth/token', [
      ['grant_type', 'password'],
      ['username', email],
      ['password', password],
    ]),
  reauthentication: ({ pair }, password) => post('/auth/reauthenticate', { password }, bearer(pair.access_token)),
  'a change of password': ({ pair }, current) =>
    post('/auth/password', { current, next: NEXT }, bearer(pair.access_token)),
}

const signUp = (email: string): Sent => from('192.0.2.1', post('/auth/signup', { email, password: PASSWORD }))

const somebody = async (bed: ThrottledBed): Promise<Somebody & { readonly id: string }> => {
  const { user, pair } = await bed.newcomer()
  return { id: user.id, email: user.email, pair }
}

const fail = async (bed: ThrottledBed, sent: Sent, times: number): Promise<void> => {
  for (let time = 0; time < times; time++) await bed.refuses(sent, 'invalid_credentials')
}

const GROUNDS = {
  'fetch, memory': groundOf(serveFetch),
  'express, sqlite': groundOf(serveExpress, openSqliteStore),
  'fastify, memory': groundOf(serveFastify),
  'hono on node:http, memory': groundOf(serveHonoOnNode),
} as const

describe.each(Object.entries(GROUNDS))('limits of guessing: %s', (_name, ground) => {
  test.each(Object.entries(DOORS))(
    '%s looks at no password beyond the limit, not even at the right one',
    async (_door, at) => {
      const bed = await createThrottledBed(ground)
      const who = await somebody(bed)
      await fail(bed, at(who, 'wrong'), LIMITS.account)
      await bed.limited(at(who, 'wrong'))
      await bed.limited(at(who, PASSWORD))
      expect(await bed.countOf(who.id)).toBe(1)
      expect(await bed.opens(who.pair)).toBe(true)
    },
  )

  test.each(Object.entries(DOORS))(
    '%s lets no more than the limit through of 64 guesses at once',
    async (_door, at) => {
      const bed = await createThrottledBed(ground)
      const who = await somebody(bed)
      const before = bed.seen.checks
      const answers = await Promise.all(Array.from({ length: 64 }, () => bed.send(at(who, 'wrong'))))
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(64 - LIMITS.account)
      expect(bed.seen.checks - before).toBe(LIMITS.account)
    },
  )

  test('a client that fails at many accounts is refused at all of them, and no other client is', async () => {
    const bed = await createThrottledBed(ground)
    const { email } = await bed.signUp()
    for (let account = 0; account < LIMITS.address; account++) {
      await fail(bed, from('192.0.2.1', signInAs(`person${account}@example.com`, 'wrong')), 1)
    }
    await bed.limited(from('192.0.2.1', signInAs(email, PASSWORD)))
    await bed.succeeds(from('192.0.2.2', signInAs(email, PASSWORD)))
    expect(bed.seen.checks).toBe(LIMITS.address + 1)
  })
})

const ground = groundOf(serveFetch)

describe('what costs no hash is not counted', () => {
  test('a password too long to be anybody’s, at any number of accounts: whatever counts would be filled with them', async () => {
    const counted: string[] = []
    const account = limiter(LIMITS.account)
    const watching = {
      consume: async (key: string | number) => {
        counted.push(String(key))
        return account.consume(key)
      },
      reward: async (key: string | number) => account.reward(key),
      delete: async (key: string | number) => account.delete(key),
    }
    const bed = await createThrottledBed(ground, { throttle: limits({ account: watching }) })
    const { email } = await bed.signUp()
    for (let turn = 0; turn < 2 * LIMITS.address; turn++) {
      await bed.refuses(
        from('192.0.2.1', signInAs(`person${turn}@example.com`, 'x'.repeat(5_000))),
        'invalid_credentials',
      )
    }
    expect(counted).toEqual([])
    expect(bed.seen.checks).toBe(0)
    await bed.succeeds(from('192.0.2.1', signInAs(email, PASSWORD)))
    expect(new Set(counted).size).toBe(1)
  })

  test('text that is no address counts as one account, however it is written', async () => {
    const bed = await createThrottledBed(ground)
    for (let turn = 0; turn < LIMITS.account; turn++) await fail(bed, signInAs(`nobody${turn}@`, 'wrong'), 1)
    expect((await bed.limited(signInAs('yet another text', 'wrong'))).status).toBe(429)
  })
})

describe('the limit of an account', () => {
  test('begins anew with each success', async () => {
    const bed = await createThrottledBed(ground)
    const { email } = await bed.signUp()
    for (let round = 0; round < 3; round++) {
      await fail(bed, signInAs(email, 'wrong'), LIMITS.account - 1)
      await bed.succeeds(signInAs(email, PASSWORD))
    }
    expect(bed.seen.checks).toBe(3 * LIMITS.account)
  })

  test('is the same for whoever has no account, and the answers are (N140)', async () => {
    const bed = await createThrottledBed(ground)
    const [known, disabled] = [await bed.signUp(), await bed.signUp()]
    await bed.store.users.update(disabled.id, { active: false })
    const seen = []
    for (const email of [known.email, disabled.email, 'nobody@example.com', 'no address']) {
      const answers = []
      for (let time = 0; time < LIMITS.account + 2; time++) {
        const { status, text, header } = await bed.send(signInAs(email, email === disabled.email ? PASSWORD : 'wrong'))
        answers.push([status, text, header('www-authenticate'), header('retry-after') === null])
      }
      seen.push(answers)
    }
    for (const answers of seen) expect(answers).toEqual(seen[0])
    expect(seen[0]?.map(([status]) => status)).toEqual([401, 401, 401, 429, 429])
  })

  test('is one for all spellings of its address (N145)', async () => {
    const bed = await createThrottledBed(ground)
    const { email } = await bed.signUp('jane@bücher.example')
    for (const spelling of ['JANE@bücher.example', ' jane@BÜCHER.example ', 'ｊａｎｅ@xn--bcher-kva.example']) {
      await fail(bed, signInAs(spelling, 'wrong'), 1)
    }
    await bed.limited(signInAs(email, PASSWORD))
    expect(bed.seen.checks).toBe(LIMITS.account)
  })

  test('is one for sign-in and the password grant', async () => {
    const bed = await createThrottledBed(ground)
    const who = await somebody(bed)
    await fail(bed, signInAs(who.email, 'wrong'), LIMITS.account)
    const grant = DOORS['the password grant']?.(who, PASSWORD)
    await bed.limited(grant ?? { path: '' })
    expect(bed.seen.checks).toBe(1 + LIMITS.account)
  })

  test('that a stranger has used up leaves a session what it may do: refresh, and change the password', async () => {
    const bed = await createThrottledBed(ground)
    const who = await somebody(bed)
    await fail(bed, signInAs(who.email, 'wrong'), LIMITS.account)
    await bed.limited(signInAs(who.email, PASSWORD))
    const pair = await bed.succeeds<Pair>(bed.refresh(who.pair))
    await bed.succeeds(post('/auth/password', { current: PASSWORD, next: NEXT }, bearer(pair.access_token)))
    expect(bed.seen.checks).toBe(1 + LIMITS.account + 1)
  })

  test('is not touched by what is refused for its client', async () => {
    const bed = await createThrottledBed(ground)
    const { email } = await bed.signUp()
    for (let account = 0; account < LIMITS.address; account++) {
      await fail(bed, from('192.0.2.1', signInAs(`person${account}@example.com`, 'wrong')), 1)
    }
    for (let time = 0; time <= LIMITS.account; time++) await bed.limited(from('192.0.2.1', signInAs(email, 'wrong')))
    await bed.succeeds(from('192.0.2.2', signInAs(email, PASSWORD)))
    expect(bed.seen.checks).toBe(LIMITS.address + 1)
  })
})

describe('the limit of a client', () => {
  test('is not wiped out by an account of one’s own', async () => {
    const bed = await createThrottledBed(ground)
    const own = await bed.signUp()
    for (let account = 0; account < LIMITS.address; account++) {
      await fail(bed, from('192.0.2.1', signInAs(`person${account}@example.com`, 'wrong')), 1)
      if (account < LIMITS.address - 1) await bed.succeeds(from('192.0.2.1', signInAs(own.email, PASSWORD)))
    }
    await bed.limited(from('192.0.2.1', signInAs(own.email, PASSWORD)))
    expect(bed.seen.checks).toBe(2 * LIMITS.address - 1)
  })

  test('is not used up by successes', async () => {
    const bed = await createThrottledBed(ground)
    const { email } = await bed.signUp()
    for (let time = 0; time < LIMITS.address * 2; time++) {
      await bed.succeeds(from('192.0.2.1', signInAs(email, PASSWORD)))
    }
    expect(bed.seen.checks).toBe(2 * LIMITS.address)
  })

  test('is one for a whole IPv6 /64 (N145)', async () => {
    const bed = await createThrottledBed(ground)
    const { email } = await bed.signUp()
    for (let host = 1; host <= LIMITS.address; host++) {
      await fail(bed, from(`2001:db8:0:1::${host}`, signInAs(`person${host}@example.com`, 'wrong')), 1)
    }
    await bed.limited(from('2001:db8:0:1:ffff::1', signInAs(email, PASSWORD)))
    await bed.succeeds(from('2001:db8:0:2::1', signInAs(email, PASSWORD)))
    expect(bed.seen.checks).toBe(LIMITS.address + 1)
  })

  test('concerns nobody of whom no address is known, whatever X-Forwarded-For says (N145)', async () => {
    const bed = await createThrottledBed(ground)
    for (let account = 0; account <= LIMITS.address; account++) {
      const sent = post('/auth/signin', { email: `person${account}@example.com`, password: 'wrong' }, [
        ['X-Forwarded-For', '192.0.2.1'],
        ['Forwarded', 'for=192.0.2.1'],
      ])
      await fail(bed, sent, 1)
    }
    expect(bed.seen.checks).toBe(LIMITS.address + 1)
  })

  test('counts who asks at sign-up for addresses that are taken, and not who signs up', async () => {
    const bed = await createThrottledBed(ground)
    const { email } = await bed.signUp()
    for (let time = 0; time < LIMITS.address * 2; time++) await bed.succeeds(signUp(`new${time}@example.com`), 201)
    for (let time = 0; time < LIMITS.address; time++) await bed.refuses(signUp(email), 'account_exists')
    await bed.limited(signUp(email))
    await bed.limited(signUp('newer@example.com'))
    expect(await bed.store.users.findByEmail('newer@example.com')).toBeNull()
    await bed.limited(from('192.0.2.1', signInAs(email, PASSWORD)))
  })
})

describe('no failed guess, and not counted', () => {
  test('is a scope too wide, of which only who knows the password is told', async () => {
    const bed = await createThrottledBed(ground)
    const { email } = await bed.signUp()
    const grant = form('/auth/token', [
      ['grant_type', 'password'],
      ['username', email],
      ['password', PASSWORD],
      ['scope', 'everything:write'],
    ])
    for (let time = 0; time < LIMITS.address * 2; time++) await bed.refuses(from('192.0.2.1', grant), 'invalid_scope')
    expect(bed.seen.checks).toBe(2 * LIMITS.address)
  })

  test('is a new password that does not meet the policy', async () => {
    const bed = await createThrottledBed(ground)
    const { pair } = await somebody(bed)
    const sent = post('/auth/password', { current: PASSWORD, next: 'password' }, bearer(pair.access_token))
    for (let time = 0; time < LIMITS.address * 2; time++)
      await bed.refuses(from('192.0.2.1', sent), 'password_rejected')
    expect(bed.seen.checks).toBe(1 + 2 * LIMITS.address)
  })

  test('is a refresh: its token cannot be guessed, and a storm of them must find its way', async () => {
    const bed = await createThrottledBed(ground)
    const { pair } = await somebody(bed)
    for (let time = 0; time < LIMITS.address * 2; time++) {
      await bed.refuses(from('192.0.2.1', post('/auth/refresh', { refresh_token: 'a.b.c' })), 'refresh_token_invalid')
      await bed.succeeds(from('192.0.2.1', bed.refresh(pair)))
    }
    expect(bed.seen.checks).toBe(1)
  })
})
