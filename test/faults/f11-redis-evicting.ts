import { setTimeout as after } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createAuth } from '../../src/auth.ts'
import { bounded } from '../../src/stores/bounded/index.ts'
import { redisStore } from '../../src/stores/redis/index.ts'
import { replicated } from '../../src/stores/replicated/index.ts'
import { startRedis } from '../stores/redis-server.ts'
import type { RedisServer } from '../stores/redis-server.ts'
import type { Fault } from './harness/fault.ts'
import { span } from './harness/figures.ts'
import { underLoad, untilOver } from './harness/under-load.ts'

const EVERY_MS = 4000

const POLICIES = ['allkeys-lru', 'volatile-ttl'] as const

const SECRET = 'n7Qe2Zr9Lw4Tx8Kc1Vb6Hy3Mj5Pd0GsAf'

const REMEDY = /set maxmemory-policy noeviction/

/** A process as it is before its start. */
const openProcess = ({ host, port }: RedisServer) => {
  const client = new Redis({ host, port })
  client.on('error', () => undefined)
  // The process of the tests is busy with much else.
  const store = replicated(bounded(redisStore(client), { deadlineMs: 10_000 }))
  const auth = createAuth({
    issuer: 'https://id.example',
    audience: 'https://api.example',
    keys: { secret: SECRET },
    store,
  })
  return {
    /** Asked at the start and by each probe later: null, or what it is refused with. */
    ready: (): Promise<string | null> =>
      auth.ready().then(
        () => null,
        (error: unknown) => String(error),
      ),
    end: async (): Promise<void> => {
      await store.close()
      client.disconnect()
    },
  }
}

const mustRefuse = (when: string, told: string | null): void => {
  if (told === null || !REMEDY.test(told)) throw new Error(`${when}, readiness told: ${told}`)
}

const mustPass = (when: string, told: string | null): void => {
  if (told !== null) throw new Error(`${when}, readiness told: ${told}`)
}

/** The server is set to drop keys while processes run on it: the next probe tells, and nobody starts. */
export const redisEvicting: Fault = {
  name: 'F11',
  title: 'a Redis that is set to drop keys when its memory is full, at the start and while it runs',
  permitted: 'start refused; not ready at the next probe; ready again once it is set right',
  run: async (round) => {
    const server = await startRedis()
    round.defer(() => server.stop())
    const { host, port } = server
    const store = { kind: 'redis', host, port } as const
    const running = openProcess(server)
    round.defer(() => running.end())
    mustPass('at the start', await running.ready())
    return underLoad('F11', round, { settings: { store }, workers: 2 }, async (bed) => {
      const probes: number[] = []
      await untilOver(bed, EVERY_MS, async (turn) => {
        const policy = POLICIES[turn % POLICIES.length] ?? 'allkeys-lru'
        await server.command('config', 'set', 'maxmemory-policy', policy)
        bed.incident(`maxmemory-policy ${policy}`)
        const begunMs = performance.now()
        mustRefuse('while it runs', await running.ready())
        probes.push(performance.now() - begunMs)
        const another = openProcess(server)
        mustRefuse('at a start', await another.ready())
        await server.command('config', 'set', 'maxmemory-policy', 'noeviction')
        mustPass('set right again', await running.ready())
        mustPass('started again', await another.ready())
        await another.end()
        await after(500)
      })
      return [span('until a probe told, max', Math.max(...probes), 1000)]
    })
  },
}
