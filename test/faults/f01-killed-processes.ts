import { setTimeout as after } from 'node:timers/promises'
import { accountOf, SERVER_API } from './harness/apis.ts'
import { ask } from './harness/ask.ts'
import type { Fault, Measure } from './harness/fault.ts'
import { startJotwardServers } from './harness/jotward-servers.ts'
import type { Worker } from './harness/processes.ts'
import { openProxy } from './harness/proxy.ts'
import type { Proxy } from './harness/proxy.ts'
import { disturbed, underLoad, untilOver } from './harness/under-load.ts'
import type { Bed } from './harness/under-load.ts'

const KILL_EVERY_MS = 2000

/** Kills the processes in turn and starts each anew at once: the others carry the load meanwhile. */
const killInTurn = async (bed: Bed): Promise<readonly Measure[]> => {
  await untilOver(bed, KILL_EVERY_MS, async (turn) => {
    const worker = bed.workers[turn % bed.workers.length]
    if (worker === undefined) return
    bed.incident(`kill -9 ${worker.name}`)
    await worker.end('SIGKILL')
    await worker.start()
  })
  return []
}

const PERMITTED = 'requests in flight fail; their retry succeeds'

export const killedProcesses: Fault = {
  name: 'F1',
  title: 'kill -9 of one of four processes every 2 s (PostgreSQL)',
  permitted: PERMITTED,
  run: async (round) => {
    const { url } = await round.servers.postgres()
    return underLoad('F1', round, { settings: { store: { kind: 'postgres', url } } }, killInTurn)
  },
}

const CLIENTS = 8

/** The address in front of the processes, as clients see it. */
const addressOf = ({ port }: Proxy): Worker => ({
  name: 'the address',
  port,
  isUp: true,
  signal: () => undefined,
  end: async () => undefined,
  start: async () => undefined,
})

/** Asks until the account is there, through whatever is killed meanwhile. */
const signUp = async (port: number, subject: string): Promise<void> => {
  for (let attempt = 0; attempt < 100; attempt++) {
    // Each asks again what the one before did not get answered.
    const { status } = await ask({ port, path: '/auth/signup', body: accountOf(subject) })
    if (status === 201 || status === 409) return
    await after(100)
  }
  throw new Error(`no server signs up ${subject}`)
}

/** The same with the server of this repository, its own endpoints, and passwords. */
export const killedServers: Fault = {
  name: 'F1 servers',
  title: 'kill -9 of one of four `jotward serve` every 2 s, behind one address (PostgreSQL)',
  permitted: PERMITTED,
  run: async (round) => {
    const { url } = await round.servers.postgres()
    const workers = await startJotwardServers(4, url, round)
    let turn = 0
    const balancer = await openProxy(() => {
      const up = workers.filter((worker) => worker.isUp)
      turn += 1
      return { host: '127.0.0.1', port: up[turn % Math.max(1, up.length)]?.port ?? 0 }
    })
    round.defer(() => balancer.close())
    const address = addressOf(balancer)
    const clients = { count: CLIENTS, api: SERVER_API, prepare: (subject: string) => signUp(address.port, subject) }
    return disturbed('F1-servers', round, { workers, entrances: () => [address], clients }, killInTurn)
  },
}
