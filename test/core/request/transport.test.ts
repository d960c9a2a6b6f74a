import { describe, expect, test } from 'vitest'
import { createAuth } from '../../../src/auth.ts'
import type { AuthConfig } from '../../../src/auth-config.ts'
import { AuthError } from '../../../src/core/errors.ts'
import type { LocationsConfig, TokenFinder } from '../../../src/core/request/locations.ts'
import type { Requirement } from '../../../src/core/request/requirement.ts'
import { createBed, problemsOf } from '../session/issuer.ts'
import { bearer, outcomeOf, view } from './view.ts'
import type { Parts } from './view.ts'

const ACCESS = '__Host-jotward-access'
const REFRESH = '__Secure-jotward-refresh'

const begin = async (config: Partial<AuthConfig> = {}) => {
  const bed = createBed(config)
  const { accessToken: access, refreshToken: refresh } = await bed.auth.issue({ subject: 'ann' })
  const ask = (parts: Parts, requirement: Requirement = {}): Promise<string> =>
    outcomeOf(bed.auth.guard(requirement), view(parts))
  return { ...bed, access, refresh, ask }
}

const cookie = (text: string) => ({ headers: { cookie: text } })

describe('delivery (S2-8)', () => {
  test('by body looks into the header alone, by cookie into cookie and header', async () => {
    const body = await begin()
    expect(await body.ask(cookie(`${ACCESS}=${body.access}`))).toBe('missing_token')
    const { access, ask, auth } = await begin({ delivery: 'cookie' })
    expect(await ask(cookie(`${ACCESS}=${access}`))).toBe('ann')
    expect(await outcomeOf(auth.guard(), bearer(access))).toBe('ann')
    expect(await ask({ query: { access_token: [access] } })).toBe('missing_token')
  })

  test.each<readonly [config: object, sentence: string]>([
    [{ delivery: 'cookies' }, 'delivery: must be "body" or "cookie"'],
    [{ delivery: null }, 'delivery: must be "body" or "cookie"'],
    [
      { delivery: 'cookie', locations: { order: ['header'] } },
      'locations.order: must name "cookie" where delivery is "cookie"',
    ],
    [{ locations: { order: ['custom'] } }, 'locations.find: is missing; locations.order names "custom"'],
    [{ locations: { refreshOrder: ['custom'] } }, 'locations.find: is missing'],
    [{ locations: { find: 'x-token' } }, 'locations.find: must be a function'],
    [{ locations: { refreshOrder: [] } }, 'locations.refreshOrder: must be a list'],
    [{ locations: { refreshOrder: ['cookie', 'cookie'] } }, 'locations.refreshOrder: must name each of'],
    [{ locations: { header: null } }, 'locations.header: must be an object'],
    [{ locations: { query: 'jwt' } }, 'locations.query: must be an object'],
  ])('that contradicts itself stops the start: %j', async (config, sentence) => {
    // What the types forbid arrives from JavaScript all the same.
    const sentences = await problemsOf(() =>
      createAuth({ ...createBed().settings, ...(config as Partial<AuthConfig>) }),
    )
    expect(sentences.join('\n')).toContain(sentence)
  })
})

describe('where refresh tokens are looked for (S0-11)', () => {
  test('is where access tokens are, unless it is configured apart', async () => {
    const alike = await begin({ locations: { order: ['header', 'cookie'] } })
    expect(await alike.auth.findRefreshToken(view(cookie(`${REFRESH}=${alike.refresh}`)))).toEqual({
      token: alike.refresh,
      location: 'cookie',
    })
    const apart = await begin({ locations: { order: ['header'], refreshOrder: ['cookie'] } })
    expect(await apart.auth.findRefreshToken(bearer(apart.refresh))).toBeNull()
    expect(await apart.ask(cookie(`${REFRESH}=${apart.refresh}`), { token: 'refresh' })).toBe('ann')
    expect(await apart.ask(cookie(`${ACCESS}=${apart.access}`))).toBe('missing_token')
  })

  test('has names of its own in a query and a body (S3-10, #79)', async () => {
    const { refresh, access, ask } = await begin({ locations: { order: ['query', 'json'] } })
    const token = { token: 'refresh' } as const
    expect(await ask({ query: { refresh_token: [refresh] } }, token)).toBe('ann')
    expect(await ask({ query: { access_token: [refresh] } }, token)).toBe('missing_token')
    expect(await ask({ body: { kind: 'json', members: { refresh_token: refresh } } }, token)).toBe('ann')
    expect(await ask({ body: { kind: 'json', members: { access_token: access } } }, token)).toBe('missing_token')
    const named = await begin({ locations: { order: ['query'], query: { refreshName: 'rt' } } })
    expect(await named.ask({ query: { rt: [named.refresh] } }, token)).toBe('ann')
  })
})

const both = (token: string, other: string) => ({
  headers: { authorization: `Bearer ${token}`, cookie: `${REFRESH}=${other}` },
})

describe('a route that takes either token (S3-12, #110)', () => {
  const ANY = { token: 'any' } as const

  test('finds it in one place, or in the cookie of its kind', async () => {
    const { access, refresh, ask, auth } = await begin({ locations: { order: ['header', 'cookie'] } })
    for (const token of [access, refresh]) expect(await outcomeOf(auth.guard(ANY), bearer(token))).toBe('ann')
    expect(await ask(cookie(`${ACCESS}=${access}`), ANY)).toBe('ann')
    expect(await ask(cookie(`${REFRESH}=${refresh}`), ANY)).toBe('ann')
  })

  test('takes the access token of two cookies, for browsers send both, and never goes on to the other', async () => {
    const { access, refresh, ask } = await begin({ delivery: 'cookie' })
    expect(await ask(cookie(`${ACCESS}=${access}; ${REFRESH}=${refresh}`), ANY)).toBe('ann')
    expect(await ask(cookie(`${REFRESH}=${refresh}; ${ACCESS}=a.b.c`), ANY)).toBe('token_invalid')
    expect(await ask(cookie(`${ACCESS}=; ${REFRESH}=${refresh}`), ANY)).toBe('ann')
  })

  test('refuses two tokens in two places, or takes the first where that is configured (N020)', async () => {
    const order = ['header', 'cookie'] as const
    const strict = await begin({ locations: { order } })
    expect(await strict.ask(both(strict.access, strict.refresh), ANY)).toBe('malformed_credentials')
    const first = await begin({ locations: { order, several: 'first' } })
    expect(await first.ask(both(first.access, 'a.b.c'), ANY)).toBe('ann')
    expect(await first.ask(both('a.b.c', first.refresh), ANY)).toBe('token_invalid')
    const last = await begin({ locations: { order: ['cookie', 'header'], several: 'first' } })
    expect(await last.ask(both('a.b.c', last.refresh), ANY)).toBe('ann')
    expect(await last.ask(both(last.access, 'a.b.c'), ANY)).toBe('token_invalid')
    // One and the same token in both places is found in the first of them, and asked for its CSRF value there.
    const request = view({ method: 'POST', ...both(last.refresh, last.refresh) })
    expect(await outcomeOf(last.auth.guard(ANY), request)).toBe('csrf_failed')
    expect(
      await outcomeOf(first.auth.guard(ANY), view({ method: 'POST', ...both(first.refresh, first.refresh) })),
    ).toBe('ann')
  })

  test('tells what is wrong with an access token in its own words', async () => {
    const { auth, access, turn } = await begin()
    const other = createAuth({ ...createBed().settings, audience: 'https://other.example.com' })
    const { accessToken } = await other.issue({ subject: 'ann' })
    expect(await outcomeOf(auth.guard(ANY), bearer(accessToken))).toBe('token_invalid')
    turn(3_600_000)
    expect(await outcomeOf(auth.guard(ANY), bearer(access))).toBe('token_expired')
  })
})

const custom = (find: TokenFinder, more: LocationsConfig = {}) =>
  begin({ locations: { order: ['custom'], find, ...more } })

const fail = (): never => {
  throw new Error('no such header')
}

describe('a place of the application’s own (S0-3)', () => {
  test('is asked with the request, and answers at once or later', async () => {
    const now = await custom((request) => request.header('x-token'))
    expect(await now.ask({ headers: { 'x-token': now.access } })).toBe('ann')
    expect(await now.ask({})).toBe('missing_token')
    const later = await custom(async (request) => request.header('x-token'))
    expect(await later.ask({ headers: { 'x-token': later.access } })).toBe('ann')
    expect(await later.ask({}, { optional: true })).toBe('nobody')
  })

  test('answers with a token, nothing or nonsense, and nonsense is refused', async () => {
    for (const nothing of [null, undefined, ''] as readonly (string | null)[]) {
      expect(await (await custom(() => nothing)).ask({})).toBe('missing_token')
    }
    const nonsense: readonly unknown[] = [1, true, {}, [], 'a b', 'é', ' ']
    for (const answer of nonsense) {
      const { ask } = await custom(() => answer as string)
      expect([answer, await ask({}, { optional: true })]).toEqual([answer, 'malformed_credentials'])
    }
  })

  test('that fails is answered with 503 and told, one that refuses is heard', async () => {
    const { ask, events } = await custom(fail)
    events.length = 0
    expect(await ask({}, { optional: 'lenient' })).toBe('hook_failed')
    expect(events).toMatchObject([{ type: 'failure', at: 'locations.find', error: { message: 'no such header' } }])
    const refusing = await custom(async () => Promise.reject(new AuthError('rate_limited')))
    expect(await refusing.ask({})).toBe('rate_limited')
  })

  test('that fails while a body is read leaves no promise that nobody waits for', async () => {
    const unhandled: unknown[] = []
    const listen = (reason: unknown): void => {
      unhandled.push(reason)
    }
    process.on('unhandledRejection', listen)
    const { ask } = await custom(fail, { order: ['json', 'custom'] })
    expect(await ask({ method: 'POST', body: Promise.reject(new Error('the sender broke off')) })).not.toBe('ann')
    await new Promise((resolve) => {
      setTimeout(resolve, 10)
    })
    process.off('unhandledRejection', listen)
    expect(unhandled).toEqual([])
  })
})

const twice = (name: string) => cookie(`${name}=a; ${name}=b`)

describe('two cookies of one name (N078)', () => {
  test('are refused with what makes the browser forget that of a former domain', async () => {
    const cookies = { domain: 'example.com', previousDomains: ['old.example.com', 'older.example.com'] }
    const { auth } = await begin({ delivery: 'cookie', cookies })
    const verdict = await auth.guard()(view(twice('jotward-access')))
    if (!('refusal' in verdict)) throw new Error('it was let in')
    expect(verdict.refusal.status).toBe(400)
    expect(verdict.refusal.cookies).toHaveLength(12)
    expect(verdict.refusal.cookies[0]).toMatch(/^jotward-access=; .*Max-Age=0; .*Domain=old\.example\.com; /)
    // What is in use stays: which of the two is ours, the next request will tell.
    expect(verdict.refusal.cookies.filter((text) => text.includes('Domain=example.com'))).toEqual([])
  })

  test('are so too where only refresh tokens travel as cookies', async () => {
    const cookies = { previousDomains: ['old.example.com'] }
    const { auth } = await begin({ cookies, locations: { order: ['header'], refreshOrder: ['cookie'] } })
    const verdict = await auth.guard({ token: 'refresh' })(view(twice(REFRESH)))
    expect(verdict).toMatchObject({ refusal: { code: 'malformed_credentials' } })
    expect('refusal' in verdict && verdict.refusal.cookies.join('\n')).toContain(`${REFRESH}=; Path=/auth; Max-Age=0`)
  })

  test('unset nothing where no domain was left, nor with any other refusal', async () => {
    const plain = await begin({ delivery: 'cookie' })
    expect(await plain.auth.guard()(view(twice(ACCESS)))).toMatchObject({ refusal: { cookies: [] } })
    const moved = await begin({ delivery: 'cookie', cookies: { previousDomains: ['old.example.com'] } })
    expect(await moved.auth.guard()(view({}))).toMatchObject({ refusal: { code: 'missing_token', cookies: [] } })
    expect(await moved.auth.guard()(bearer('a.b.c'))).toMatchObject({ refusal: { cookies: [] } })
  })
})
