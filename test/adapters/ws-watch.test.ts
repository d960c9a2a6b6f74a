import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/index.ts'
import {
  bearer,
  connect,
  createIssuer,
  enter,
  frame,
  rawClient,
  refused,
  serve,
  until,
  upgradeBytes,
} from './ws-bed.ts'

const QUICK = { checkEvery: 1 } as const

type Bed = ReturnType<typeof createIssuer>

const ENDS: readonly (readonly [what: string, end: (bed: Bed, token: string) => Promise<void>])[] = [
  ['its session ends', ({ auth }, token) => auth.signOut(token)],
  ['its subject is revoked', ({ auth }) => auth.revoke.subject('ann')],
  ['everything is revoked', ({ auth }) => auth.revoke.everything()],
  [
    'its token is revoked',
    async ({ auth }, token) => {
      const { tokenId, subject } = await auth.verify(token)
      await auth.revoke.token({ tokenId, subject })
    },
  ],
]

describe('an open connection (N093)', () => {
  test('is closed with 4401 when its token expires, to the moment', async () => {
    const { auth, token } = createIssuer()
    const service = await serve(auth, { options: { checkEvery: 60 } })
    const { closed } = await enter(service, { headers: bearer(await token({ accessLifetime: 2 })) })
    const { expiresAt } = service.principal(service.opened[0] ?? {})
    expect(await closed).toEqual({ code: 4401, reason: 'token_expired' })
    const late = Date.now() / 1000 - (expiresAt ?? 0)
    expect(late).toBeGreaterThanOrEqual(0)
    expect(late).toBeLessThan(1.5)
  })

  test('stays open for as long as guards accept its token: the clock tolerance is part of that', async () => {
    const { auth, clock, token } = createIssuer({ accessToken: { clockTolerance: 30 } })
    const service = await serve(auth, { options: QUICK })
    const good = await token()
    const { client, closed } = await enter(service, { headers: bearer(good) })
    clock.ahead = 920
    await sleep(1_200)
    expect(client.readyState).toBe(1)
    await enter(service, { headers: bearer(good) })
    clock.ahead = 931
    expect(await closed).toEqual({ code: 4401, reason: 'token_expired' })
    await refused(service, { headers: bearer(good) }, 'token_expired')
  })

  test.each(ENDS)('is closed with 4401 when %s, however it was opened; others stay', async (_what, end) => {
    const bed = createIssuer()
    const service = await serve(bed.auth, { options: QUICK })
    const token = await bed.token()
    const { ticket } = await bed.auth.tickets.issue(token)
    const other = await enter(service, { headers: bearer(await bed.token({ subject: 'joe' })) })
    const clients = [
      await enter(service, { headers: bearer(token) }),
      await enter(service, { protocols: ['jotward.bearer', token] }),
      await enter(service, { path: `/?ticket=${ticket}` }),
    ]
    await end(bed, token)
    const begun = performance.now()
    for (const { closed } of clients) expect(await closed).toEqual({ code: 4401, reason: 'token_revoked' })
    expect(performance.now() - begun).toBeLessThan(4_000)
    const isForAll = _what.startsWith('everything')
    expect(isForAll ? (await other.closed).code : other.client.readyState).toBe(isForAll ? 4401 : 1)
  })

  test('is asked about as its route says: a route that skips revocation ends with its token alone', async () => {
    const { auth, token } = createIssuer()
    const skip = await serve(auth, { options: QUICK, requirement: { revocation: 'skip' } })
    const usual = await serve(auth, { options: QUICK })
    const good = await token({ accessLifetime: 3 })
    const [one, other] = [await enter(skip, { headers: bearer(good) }), await enter(usual, { headers: bearer(good) })]
    await auth.signOut(good)
    expect(await other.closed).toEqual({ code: 4401, reason: 'token_revoked' })
    expect(await one.closed).toEqual({ code: 4401, reason: 'token_expired' })
  })

  test('is closed with 1013 when the store fails for longer than the patience', async () => {
    const store = memoryStore()
    const state = { isFailing: false }
    const isRevoked = () => {
      if (state.isFailing) throw new Error('gone')
      return false
    }
    const { auth, token } = createIssuer({ store: { ...store, revocations: { ...store.revocations, isRevoked } } })
    const service = await serve(auth, { options: { ...QUICK, patience: 1 } })
    const { closed } = await enter(service, { headers: bearer(await token()) })
    state.isFailing = true
    expect(await closed).toEqual({ code: 1013, reason: 'store_unavailable' })
  })

  test.each([undefined, ['header', 'message'] as const])(
    'that was closed is heard no more and does not last, though the other side never answers (accept: %s)',
    async (accept) => {
      const { auth, token } = createIssuer()
      const service = await serve(auth, { options: { ...QUICK, ...(accept === undefined ? {} : { accept }) } })
      const good = await token()
      const { socket, state } = await rawClient(service.port)
      socket.write(upgradeBytes(bearer(good)))
      socket.write(frame('before'))
      await until(() => service.heard.length > 0)
      await auth.signOut(good)
      await until(() => service.opened[0]?.readyState === 2)
      for (let index = 0; index < 5; index++) {
        socket.write(frame('after'))
        await sleep(20)
      }
      expect(service.heard).toEqual(['before'])
      await until(() => service.sockets.clients.size === 0 && state.isEnded, 7_000)
    },
  )
})

describe('the end of an adapter', () => {
  test('closes every connection with 1001, whether it was known or waited for, and refuses new ones', async () => {
    const { auth, token } = createIssuer()
    const service = await serve(auth, { options: { accept: ['header', 'ticket', 'message'] } })
    const known = await enter(service, { headers: bearer(await token()) })
    const waiting = await connect(service.port)
    service.close()
    expect(await known.closed).toEqual({ code: 1001, reason: '' })
    expect(await waiting.closed).toEqual({ code: 1001, reason: '' })
    const { ticket } = await auth.tickets.issue(await token())
    await refused(service, { path: `/?ticket=${ticket}` }, 'overloaded')
    await refused(service, {}, 'overloaded')
    // It is spent nowhere: another process can take it.
    expect((await auth.tickets.redeem(ticket)).subject).toBe('ann')
  })

  test('refuses whom a guard lets in only afterwards', async () => {
    const store = memoryStore()
    const state: { release: () => void } = { release: () => undefined }
    const isRevoked = () =>
      new Promise<boolean>((resolve) => {
        state.release = () => resolve(false)
      })
    const { auth, token } = createIssuer({ store: { ...store, revocations: { ...store.revocations, isRevoked } } })
    const service = await serve(auth)
    const attempt = refused(service, { headers: bearer(await token()) }, 'overloaded')
    await sleep(100)
    service.close()
    state.release()
    await attempt
    expect(service.entered).toEqual([])
  })
})
