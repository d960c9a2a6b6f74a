import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAuth } from '../../../src/auth.ts'
import { newIdentifier } from '../../../src/core/token/identifier.ts'
import { redisStore } from '../../../src/stores/redis/index.ts'
import { describeRedis, startCluster, startRedis } from '../redis-server.ts'
import type { RedisCluster, RedisServer } from '../redis-server.ts'
import { newPrefix, openIoredis, openIoredisCluster } from './redis-under-test.ts'
import type { ClientName, OpenClient } from './redis-under-test.ts'

/** Eight processes of what is built, by both clients in turn, with nothing in common but the servers. */

const PROCESSES = 8
const SECRET = 'u3Jw9vK2pQx7Rz1Lm5Nt8Yb4Cd6Fg0Hs'

/** A process that does what it is asked, a line of JSON each. */
const startService = (given: object) => {
  const script = fileURLToPath(new URL('processes/service.mjs', import.meta.url))
  const child = spawn(process.execPath, [script, JSON.stringify(given)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async (): Promise<unknown> => {
    const line: IteratorResult<string, undefined> = await lines.next()
    if (line.done === true) throw new Error('the process has ended')
    return JSON.parse(line.value)
  }
  return {
    answer,
    ask: (task: object): Promise<unknown> => {
      child.stdin.write(`${JSON.stringify(task)}\n`)
      return answer()
    },
    stop: async (): Promise<void> => {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

describeRedis.each<readonly [string, readonly [ClientName, ClientName]]>([
  ['one server', ['ioredis', 'node-redis']],
  ['a Cluster', ['ioredis, Cluster', 'node-redis, Cluster']],
])('eight processes on %s', (where, kinds) => {
  let server: RedisServer
  let cluster: RedisCluster
  let open: OpenClient
  let services: ReturnType<typeof startService>[] = []

  beforeAll(async () => {
    ;[server, cluster] = await Promise.all([startRedis(), startCluster()])
    open = where === 'one server' ? await openIoredis(server) : await openIoredisCluster(cluster.primaries)
    const nodes = (where === 'one server' ? [server] : cluster.primaries).map(({ host, port }) => ({ host, port }))
    services = Array.from({ length: PROCESSES }, (_, index) => startService({ nodes, kind: kinds[index % 2] }))
    await Promise.all(services.map((service) => service.answer()))
  })

  afterAll(async () => {
    open.close()
    await Promise.all(services.map((service) => service.stop()))
    await Promise.all([server.stop(), cluster.stop()])
  })

  const together = async <T>(task: object): Promise<readonly T[]> => {
    const moment = Date.now() + 200
    const answers = await Promise.all(services.map((service) => service.ask({ ...task, moment })))
    // The answers of service.mjs, which each test knows.
    return answers as readonly T[]
  }

  test('present each of 50 tokens 16 times at once: one rotation each, and all answers equal (I3, N107, N113)', async () => {
    const [sessions, presentations] = [50, 16]
    const prefix = newPrefix()
    const store = redisStore(open.client, { prefix })
    const auth = createAuth({
      issuer: 'https://id.example',
      audience: 'https://api.example',
      keys: { secret: SECRET },
      store,
    })
    const subjects = Array.from({ length: sessions }, (_, index) => `user ${index}`)
    const pairs = await Promise.all(subjects.map((subject) => auth.issue({ subject })))
    const tokens = pairs.map(({ refreshToken }) => refreshToken)
    interface Stormed {
      readonly refreshed: readonly { readonly at: number; readonly next: string }[]
      readonly told: readonly { readonly type: string; readonly sessionId: string }[]
    }
    const answers = await together<Stormed>({ task: 'storm', secret: SECRET, prefix, tokens, presentations })
    const told = answers.flatMap((answer) => answer.told)
    const rotated = told.filter(({ type }) => type === 'session.refreshed').map(({ sessionId }) => sessionId)
    expect(rotated.toSorted()).toEqual(pairs.map(({ session }) => session.id).toSorted())
    expect(told.filter(({ type }) => type === 'refresh.replayed')).toHaveLength(
      sessions * (PROCESSES * presentations - 1),
    )
    for (const [index, token] of tokens.entries()) {
      const next = answers.flatMap(({ refreshed }) =>
        refreshed.filter(({ at }) => at === index).map((each) => each.next),
      )
      expect(next).toHaveLength(PROCESSES * presentations)
      expect(new Set(next).size).toBe(1)
      expect(next[0]).not.toBe(token)
    }
    const generations = await Promise.all(pairs.map(async ({ session }) => store.sessions.find(session.id)))
    expect(generations.every((session) => session?.state.generation === 1)).toBe(true)
  }, 60_000)

  test('spend the same 300 identifiers at once: each is spent by exactly one of them', async () => {
    const ids = Array.from({ length: 300 }, (_, index) => newIdentifier(`user ${index}`))
    const shares = await together<string[]>({ task: 'spend', prefix: newPrefix(), ids })
    expect(shares.flat().toSorted()).toEqual(ids.toSorted())
    expect(shares.filter((share) => share.length > 0).length, 'they should have met').toBeGreaterThan(1)
  }, 60_000)

  test('raise everybody’s epoch at once: no two get the same, each its own rise, and the highest is everywhere', async () => {
    const prefix = newPrefix()
    const shares = await together<number[]>({ task: 'bump', prefix, times: 15 })
    const epochs = shares.flat()
    expect(new Set(epochs).size).toBe(PROCESSES * 15)
    for (const share of shares) expect(share).toEqual(share.toSorted((a, b) => a - b))
    const store = redisStore(open.client, { prefix })
    for (let index = 0; index < 40; index++) {
      expect((await store.revocations.epochs(`user ${index}`)).global).toBe(Math.max(...epochs))
    }
  }, 60_000)
})
