import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fetchAuth } from '../../../src/adapters/fetch.ts'
import { createAuth } from '../../../src/auth.ts'
import { redisStore } from '../../../src/stores/redis/index.ts'
import { noise } from '../../core/token/fixtures.ts'
import { describeRedis, startRedis } from '../redis-server.ts'
import type { RedisServer } from '../redis-server.ts'
import { newPrefix } from './redis-under-test.ts'

/** The whole way from a revocation to the next request, over a Redis as in production. */

describeRedis('tokens revoked in Redis', () => {
  let server: RedisServer
  let client: Redis

  beforeAll(async () => {
    server = await startRedis()
    client = new Redis({ host: server.host, port: server.port })
  })

  afterAll(async () => {
    client.disconnect()
    await server.stop()
  })

  const open = () => {
    const prefix = newPrefix()
    const issuer = 'https://api.example.com'
    const store = redisStore(client, { prefix })
    const auth = createAuth({ issuer, audience: issuer, keys: { secret: noise('denylist') }, store })
    let entered = 0
    const handle = fetchAuth(auth).protect({}, () => {
      entered += 1
      return new Response('in')
    })
    /** The status, and whether the handler was entered. */
    const get = async (token: string) => {
      const before = entered
      const { status } = await handle(new Request(issuer, { headers: { authorization: `Bearer ${token}` } }))
      return [status, entered - before]
    }
    return { auth, get, prefix }
  }

  test('are refused on the next request, each grain for itself (S2-7)', async () => {
    const { auth, get } = open()
    const [one, two, three, other] = await Promise.all(
      ['ann', 'ann', 'ann', 'bob'].map((subject) => auth.issue({ subject })),
    )
    if (one === undefined || two === undefined || three === undefined || other === undefined) throw new Error('four')
    const pairs = [one, two, three, other]
    const statuses = async () => Promise.all(pairs.map(({ accessToken }) => get(accessToken)))
    const [yes, no] = [
      [200, 1],
      [401, 0],
    ]
    for (const { accessToken } of pairs) expect(await get(accessToken)).toEqual(yes)
    await auth.revoke.token({ tokenId: one.tokenId, subject: 'ann' })
    expect(await get(one.accessToken)).toEqual(no)
    await auth.revoke.session({ sessionId: two.sessionId ?? '', subject: 'ann' })
    expect(await get(two.accessToken)).toEqual(no)
    expect(await get(three.accessToken)).toEqual(yes)
    await auth.revoke.subject('ann')
    expect(await get(three.accessToken)).toEqual(no)
    expect(await get(other.accessToken)).toEqual(yes)
    await auth.revoke.everything()
    expect((await statuses()).map(([status]) => status)).toEqual([401, 401, 401, 401])
  })

  test('are kept for longer than such a token can live, and no longer (N124)', async () => {
    const { auth, prefix } = open()
    const { tokenId, expiresIn } = await auth.issue({ subject: 'ann' })
    await auth.revoke.token({ tokenId, subject: 'ann' })
    const keys = await client.keys(`${prefix}:*r:t:${tokenId}`)
    expect(keys).toHaveLength(1)
    const left = await client.pttl(keys[0] ?? '')
    expect(left).toBeGreaterThan((expiresIn + 300) * 1000)
    expect(left).toBeLessThan(2 * 3_600_000)
  })
})
