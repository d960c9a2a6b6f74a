import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { fetchAuth } from '../src/adapters/fetch.ts'
import { createAuth } from '../src/auth.ts'
import type { Requirement } from '../src/core/request/requirement.ts'
import { realms } from '../src/realms.ts'
import { memoryStore } from '../src/stores/memory/memory-store.ts'
import { noise } from './core/token/fixtures.ts'

const clock = { now: 1_800_000_000 }

const staff = createAuth({
  issuer: 'https://staff.example.com',
  audience: 'api',
  keys: { secret: noise('staff') },
  store: memoryStore({ now: () => clock.now * 1000 }),
  clock: () => clock.now,
  accessToken: { claims: z.object({ desk: z.number() }) },
  permissions: { names: ['orders:read', 'staff:list'] },
  cookies: { names: { access: '__Host-staff' } },
  locations: { order: ['header', 'cookie'] },
  errors: { body: { messageKey: 'staff' } },
})

const customers = createAuth({
  issuer: 'https://shop.example.com',
  audience: 'api',
  keys: { secret: noise('customers') },
  store: memoryStore({ now: () => clock.now * 1000 }),
  clock: () => clock.now,
  permissions: { names: ['orders:read', 'basket:write'] },
  cookies: { names: { access: '__Host-shop' } },
  locations: { order: ['header', 'cookie'] },
})

/** An application with one route behind both realms. */
const open = (requirement: Requirement<'orders:read'> = {}) => {
  let entered = 0
  const handle = fetchAuth(realms(staff, customers)).protect(requirement, (_request, principal) => {
    entered += 1
    return Response.json({ issuer: principal?.issuer ?? null, subject: principal?.subject ?? null })
  })
  const send = async (headers: Record<string, string>, method = 'GET') => {
    const before = entered
    const response = await handle(new Request('https://api.example.com/', { method, headers }))
    const body: unknown = await response.json()
    return { status: response.status, entered: entered - before, body }
  }
  return send
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

const ofStaff = (options: { readonly permissions?: readonly 'orders:read'[] } = {}) =>
  staff.issue({ subject: 'sue', claims: { desk: 7 }, ...options })

describe('several realms in one application (S1-11)', () => {
  test('each lets its own callers in, and the principal tells which one did', async () => {
    const send = open()
    const [sue, carl] = [await ofStaff(), await customers.issue({ subject: 'carl' })]
    expect(await send(bearer(sue.accessToken))).toEqual({
      status: 200,
      entered: 1,
      body: { issuer: 'https://staff.example.com', subject: 'sue' },
    })
    expect(await send(bearer(carl.accessToken))).toMatchObject({ entered: 1, body: { subject: 'carl' } })
  })

  test('never accept the tokens of one another (N056)', async () => {
    const alone = (auth: typeof customers) =>
      fetchAuth(auth).protect({}, () => {
        throw new Error('entered')
      })
    const { accessToken } = await ofStaff()
    const refused = await alone(customers)(new Request('https://api.example.com/', { headers: bearer(accessToken) }))
    expect(refused.status).toBe(401)
    await expect(customers.refresh((await ofStaff()).refreshToken)).rejects.toMatchObject({
      code: 'refresh_token_invalid',
    })
  })

  test('each keeps its own cookies', async () => {
    const send = open()
    const { accessToken } = await customers.issue({ subject: 'carl' })
    expect(await send({ cookie: `__Host-shop=${accessToken}` })).toMatchObject({ entered: 1 })
    expect(await send({ cookie: `__Host-staff=${accessToken}` })).toMatchObject({ status: 401, entered: 0 })
    expect(await send({ cookie: `__Host-shop=${accessToken}` }, 'POST')).toMatchObject({ status: 403, entered: 0 })
  })

  test('a realm that knows the token has the last word, in its own words', async () => {
    const send = open({ permissions: ['orders:read'] })
    const { accessToken } = await ofStaff()
    expect(await send(bearer(accessToken))).toEqual({
      status: 403,
      entered: 0,
      body: { staff: 'The token lacks a permission.' },
    })
    await staff.revoke.subject('sue')
    expect(await send(bearer(accessToken))).toMatchObject({
      body: { staff: 'The token has been revoked.' },
      entered: 0,
    })
    const allowed = await customers.issue({ subject: 'carl', permissions: ['orders:read'] })
    expect(await send(bearer(allowed.accessToken))).toMatchObject({ entered: 1 })
  })

  test('a request without a token, or with nobody’s, is refused', async () => {
    const send = open()
    expect(await send({})).toMatchObject({ status: 401, entered: 0, body: { staff: 'Authentication is required.' } })
    expect(await send(bearer('nobody.knows.it'))).toMatchObject({
      status: 401,
      entered: 0,
      body: { staff: 'The token is not valid.' },
    })
  })

  test('an optional guard lets the absent token pass, and no bad one (N059)', async () => {
    const send = open({ optional: true })
    expect(await send({})).toMatchObject({ entered: 1, body: { subject: null } })
    expect(await send(bearer('nobody.knows.it'))).toMatchObject({ status: 401, entered: 0 })
    const { accessToken } = await customers.issue({ subject: 'carl' })
    expect(await send(bearer(accessToken))).toMatchObject({ entered: 1, body: { subject: 'carl' } })
  })

  test('a lenient one lets bad tokens pass as anonymous, whichever realm knew them', async () => {
    const send = open({ optional: 'lenient', permissions: ['orders:read'] })
    const { accessToken } = await ofStaff({ permissions: ['orders:read'] })
    expect(await send(bearer(accessToken))).toMatchObject({ entered: 1, body: { subject: 'sue' } })
    await staff.revoke.subject('sue')
    expect(await send(bearer(accessToken))).toMatchObject({ entered: 1, body: { subject: null } })
    expect(await send(bearer('nobody.knows.it'))).toMatchObject({ entered: 1, body: { subject: null } })
    const lacking = await customers.issue({ subject: 'carl' })
    expect(await send(bearer(lacking.accessToken))).toMatchObject({ status: 403, entered: 0 })
  })

  test('cannot share an issuer, nor be none, nor ask what one of them does not know', () => {
    expect(() => realms(staff, staff)).toThrow('two realms have the issuer "https://staff.example.com"')
    expect(() => realms()).toThrow('realms() needs at least one Auth')
    expect(() => realms(staff, customers).guard({ permissions: ['basket:write' as 'orders:read'] })).toThrow(
      '"basket:write" is not among permissions.names',
    )
    expect(() => realms(staff).guard({ optional: 'yes' as 'lenient' })).toThrow('must be true, false or "lenient"')
  })
})

describe('what realms keep apart', () => {
  test('a requirement that a single guard refuses to make is refused here too, whatever it spreads to', () => {
    class Hidden {
      get permissions(): readonly 'orders:read'[] {
        return ['orders:read']
      }
    }
    for (const requirement of [new Hidden(), Object.create({ permissions: ['orders:read'] }) as object, new Map()]) {
      expect(() => realms(staff, customers).guard(requirement)).toThrow('a requirement is an object like')
    }
  })

  test('nobody gets a token of one realm for being known to another', async () => {
    const carl = await customers.issue({ subject: 'sue' })
    const principal = await customers.verify(carl.accessToken)
    await expect(staff.reissue(principal as never, { fresh: true })).rejects.toMatchObject({ code: 'token_invalid' })
  })

  test('a store is one realm’s alone', () => {
    const store = memoryStore()
    const make = (issuer: string) => createAuth({ issuer, audience: 'api', keys: { secret: noise(issuer) }, store })
    expect(() => realms(make('https://a.example'), make('https://b.example'))).toThrow('two realms have one store')
  })
})
