import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createAuth } from '../../../src/auth.ts'
import type { AuthConfig } from '../../../src/auth-config.ts'
import { memoryStore } from '../../../src/stores/memory/index.ts'
import { codeOf } from './issuer.ts'

/** What fails for a while must not spend a refresh token: it would look stolen once the grace is over. */

const SECRET = 'k3J9xZq8vT2mN5pR7wY1bC4dF6gH0jLs'

const begin = async (config: Partial<AuthConfig> = {}) => {
  let nowMs = 1_700_000_000_000
  const store = memoryStore({ now: () => nowMs })
  const base = { issuer: 'https://a.example', audience: 'api', keys: { secret: SECRET }, store }
  const settings = { ...base, clock: () => nowMs / 1000, ...config }
  const created = await store.users.create({
    email: 'ann@example.com',
    canonicalEmail: 'ann@example.com',
    passwordHash: 'hash',
    permissions: ['a:read', 'a:write'],
    profile: {},
  })
  if (created === null) throw new Error('the store is empty')
  return { store, settings, user: created, turn: (ms: number) => void (nowMs += ms) }
}

/** Tries again for ten minutes, far beyond grace and late replays. */
const insist = async (turn: (ms: number) => void, work: () => Promise<unknown>): Promise<Set<string>> => {
  const answers = new Set<string>()
  for (let attempt = 0; attempt < 20; attempt++) {
    // One after another, as a client that waits would.
    answers.add(
      await work().then(
        () => 'fulfilled',
        (failure: Error & { code?: string }) => failure.code ?? failure.name,
      ),
    )
    turn(31_000)
  }
  return answers
}

describe('an outage of ten minutes ends no session', () => {
  test('of a directory that lags behind the session', async () => {
    const { store, settings, user, turn } = await begin()
    const grant = { credentialVersion: user.credentialVersion + 1, permissions: user.permissions }
    const auth = createAuth({ ...settings, users: store.users })
    const { refreshToken } = await auth.issueAfter(user.id, () => grant)
    expect(await insist(turn, () => auth.refresh(refreshToken))).toEqual(new Set(['StoreError']))
    await store.users.replacePassword(user.id, { expected: 'hash', hash: 'other', changed: true })
    expect(await codeOf(() => auth.refresh(refreshToken))).toBe('accepted')
  })

  test('of a claims schema that throws, or that a deploy made stricter', async () => {
    const { settings, turn } = await begin()
    const { refreshToken } = await createAuth(settings).issue({ subject: 'bob' })
    const stricter = createAuth({ ...settings, accessToken: { claims: z.object({ desk: z.number() }) } })
    expect(await insist(turn, () => stricter.refresh(refreshToken))).toEqual(new Set(['hook_failed']))
    expect(await codeOf(() => createAuth(settings).refresh(refreshToken))).toBe('accepted')
  })
})

test('a failing hook does not keep a reuse from being found (I4)', async () => {
  const { settings, turn } = await begin()
  const auth = createAuth(settings)
  const first = await auth.issue({ subject: 'bob' })
  let token = first.refreshToken
  for (let generation = 0; generation < 3; generation++) {
    turn(31_000)
    // Each follows from the one before.
    token = (await auth.refresh(token)).refreshToken
  }
  turn(31_000)
  expect(await codeOf(() => auth.refresh(first.refreshToken, { scope: ['nope'] }))).toBe('refresh_token_reused')
  expect(await codeOf(() => auth.refresh(token))).toBe('refresh_token_invalid')
})

/** Somebody signed in with a wildcard who holds fewer permissions since. */
const demoted = async (permissions: readonly string[]) => {
  const { store, settings, user, turn } = await begin()
  const auth = createAuth({ ...settings, users: store.users })
  const grant = { permissions: ['a:*'] as const, credentialVersion: user.credentialVersion }
  const pair = await auth.issueAfter(user.id, () => grant)
  await store.users.update(user.id, { permissions })
  return { auth, pair, turn, store, user }
}

describe('what a user has lost', () => {
  test('is lost at a refresh, and what is left of a wildcard is not', async () => {
    const { auth, pair } = await demoted(['a:read'])
    expect((await auth.refresh(pair.refreshToken)).permissions).toEqual(['a:read'])
  })

  test('is lost when they authenticate once more, too', async () => {
    const { auth, pair, store, user } = await demoted([])
    const caller = await auth.verify(pair.accessToken)
    expect((await auth.reissue(caller)).permissions).toEqual([])
    await store.users.update(user.id, { active: false })
    expect(await codeOf(() => auth.reissue(caller))).toBe('token_revoked')
  })
})
