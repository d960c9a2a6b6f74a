import { describe, expect, test } from 'vitest'
import type { AuthConfig } from '../../../src/auth-config.ts'
import { StoreError } from '../../../src/core/errors.ts'
import { generateJwk } from '../../../src/core/token/generate-key.ts'
import { decodeUnverified } from '../../../src/core/token/jws.ts'
import { noise } from '../token/fixtures.ts'
import { codeOf, createBed, GRACE_MS, redeploy, SECRET } from './issuer.ts'

const NEW_SECRET = noise('the next secret')
const OWN = noise('a secret for refresh tokens')
const NEW_OWN = noise('the next secret for refresh tokens')
const [JWK, NEW_JWK] = [generateJwk('EdDSA'), generateJwk('ES256')] as const

const kidOf = (token: string): string | undefined => decodeUnverified(token).header.kid

/** Ways to keep keys: before the change, once every process knows what comes, after it, and with the old ones forgotten. */
const CHANGES: readonly {
  readonly title: string
  readonly before: Partial<AuthConfig>
  readonly announced: Partial<AuthConfig>
  readonly after: Partial<AuthConfig>
  readonly forgotten: Partial<AuthConfig>
}[] = [
  {
    title: 'keys.secret, from which its key is derived',
    before: { keys: { secret: SECRET } },
    announced: { keys: { secret: SECRET, nextSecrets: [NEW_SECRET] } },
    after: { keys: { secret: NEW_SECRET, previousSecrets: [SECRET] } },
    forgotten: { keys: { secret: NEW_SECRET } },
  },
  {
    title: 'refreshToken.secret',
    before: { refreshToken: { secret: OWN } },
    announced: { refreshToken: { secret: OWN, nextSecrets: [NEW_OWN] } },
    after: { refreshToken: { secret: NEW_OWN, previousSecrets: [OWN] } },
    forgotten: { refreshToken: { secret: NEW_OWN } },
  },
  {
    title: 'both, and the kind of the signing key',
    before: { keys: { secret: SECRET }, refreshToken: { secret: OWN } },
    announced: { keys: { secret: SECRET }, refreshToken: { secret: OWN, nextSecrets: [NEW_OWN] } },
    after: { keys: { current: JWK }, refreshToken: { secret: NEW_OWN, previousSecrets: [OWN] } },
    forgotten: { keys: { current: JWK }, refreshToken: { secret: NEW_OWN } },
  },
]

describe.each(CHANGES)('after a change of $title', ({ before, announced, after, forgotten }) => {
  /** A session of generation 1 under the old key, and the service as it is deployed anew. */
  const changed = async () => {
    const bed = createBed(before)
    const first = await bed.auth.issue({ subject: 'ann' })
    const second = await bed.auth.refresh(first.refreshToken)
    return { bed, first, second, next: redeploy(bed, after) }
  }

  test('a refresh token under the old key is still good, and its successor is under the new one', async () => {
    const { bed, second, next } = await changed()
    bed.turn(GRACE_MS + 1)
    const third = await next.refresh(second.refreshToken)
    expect(third.session.id).toBe(second.session.id)
    expect(kidOf(third.refreshToken)).toBe(third.session.state.refreshKeyId)
    expect(kidOf(third.refreshToken)).not.toBe(kidOf(second.refreshToken))
    bed.turn(GRACE_MS + 1)
    expect((await next.refresh(third.refreshToken)).session.state.generation).toBe(3)
  })

  test('a generation made under the old key is answered again byte for byte (I1)', async () => {
    const { first, second, next } = await changed()
    // The parent comes again from a tab whose answer was lost, the child from another tab.
    expect((await next.refresh(first.refreshToken)).refreshToken).toBe(second.refreshToken)
    expect((await next.refresh(second.refreshToken)).refreshToken).toBe(second.refreshToken)
  })

  test('while both deployments run side by side, each answers with what the other gave (F14)', async () => {
    const { bed, second, next } = await changed()
    const still = redeploy(bed, announced)
    bed.turn(GRACE_MS + 1)
    const third = await next.refresh(second.refreshToken)
    expect((await still.refresh(second.refreshToken)).refreshToken).toBe(third.refreshToken)
    expect((await still.refresh(third.refreshToken)).refreshToken).toBe(third.refreshToken)
    bed.turn(GRACE_MS + 1)
    const fourth = await still.refresh(third.refreshToken)
    expect(kidOf(fourth.refreshToken)).toBe(kidOf(second.refreshToken))
    expect((await next.refresh(third.refreshToken)).refreshToken).toBe(fourth.refreshToken)
    expect((await next.refresh(fourth.refreshToken)).refreshToken).toBe(fourth.refreshToken)
  })

  test('a process that was never told of the new key answers 503 rather than with another token (I1)', async () => {
    const { bed, second, next } = await changed()
    bed.turn(GRACE_MS + 1)
    const third = await next.refresh(second.refreshToken)
    await expect(bed.auth.refresh(second.refreshToken)).rejects.toThrow(StoreError)
    expect((await next.refresh(second.refreshToken)).refreshToken).toBe(third.refreshToken)
  })

  test('a refresh token under a key that is forgotten is refused, and its session is not ended by it (I7)', async () => {
    const { bed, second, next } = await changed()
    bed.turn(GRACE_MS + 1)
    const without = redeploy(bed, forgotten)
    expect(await codeOf(() => without.refresh(second.refreshToken))).toBe('refresh_token_invalid')
    expect(await next.sessions.find(second.session.id)).toEqual(second.session)
  })

  test('who holds a token under the new key goes on when the old one is forgotten', async () => {
    const { bed, second, next } = await changed()
    bed.turn(GRACE_MS + 1)
    const third = await next.refresh(second.refreshToken)
    const without = redeploy(bed, forgotten)
    expect((await without.refresh(third.refreshToken)).refreshToken).toBe(third.refreshToken)
  })
})

test('access tokens under a previous secret pass until it is taken away', async () => {
  const bed = createBed()
  const { accessToken } = await bed.auth.issue({ subject: 'ann' })
  const next = redeploy(bed, { keys: { secret: NEW_SECRET, previousSecrets: [SECRET] } })
  expect((await next.verify(accessToken)).subject).toBe('ann')
  const without = redeploy(bed, { keys: { secret: NEW_SECRET } })
  expect(await codeOf(() => without.verify(accessToken))).toBe('token_invalid')
})

test('a key of a ring goes from next to current to retiring, and no token is refused on the way (F13)', async () => {
  const refreshToken = { secret: OWN }
  const bed = createBed({ keys: { current: JWK, next: [NEW_JWK] }, refreshToken })
  const turned = redeploy(bed, { keys: { current: NEW_JWK, retiring: [JWK] } })
  const [before, after] = [await bed.auth.issue({ subject: 'ann' }), await turned.issue({ subject: 'ann' })]
  for (const auth of [bed.auth, turned]) {
    for (const { accessToken, refreshToken: token } of [before, after]) {
      // One after another: each pair passes in both deployments.
      expect((await auth.verify(accessToken)).subject).toBe('ann')
      expect((await auth.refresh(token)).session.subject).toBe('ann')
    }
  }
  expect(kidOf(before.accessToken)).toBe(JWK.kid)
  expect(kidOf(after.accessToken)).toBe(NEW_JWK.kid)
  const done = redeploy(bed, { keys: { current: NEW_JWK } })
  expect(await codeOf(() => done.verify(before.accessToken))).toBe('token_invalid')
})
