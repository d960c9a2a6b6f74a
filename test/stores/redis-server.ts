import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { describe } from 'vitest'
import { temporaryFolder } from './stores-under-test.ts'

/** Real servers of Redis, private to one test file: on free ports, in a temporary folder, ended by their process id. */

const hasRedis = spawnSync('redis-server', ['--version']).status === 0

if (!hasRedis) {
  const words = 'NOT TESTED: Redis. There is no redis-server on the PATH; its stores were left out of this run.'
  // Where everything must run, that is a failure.
  if (process.env['CI'] !== undefined) throw new Error(words)
  process.stderr.write(`\n${words}\n`)
}

/** `describe`, where there is a server to test with. */
export const describeRedis = hasRedis ? describe : describe.skip

const HOST = '127.0.0.1'

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, HOST)
  await once(server, 'listening')
  // A server that listens on a port has an address of this kind.
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

export interface RedisServer {
  readonly host: string
  readonly port: number
  /** Sends a signal: SIGKILL, SIGSTOP, SIGCONT. */
  signal(name: NodeJS.Signals): void
  /** Waits for the end of the process. */
  ended(): Promise<void>
  /** Starts it anew, on the same port and data. */
  restart(): Promise<void>
  /** Runs one command on a connection of its own. */
  command(...args: string[]): Promise<unknown>
  stop(): Promise<void>
}

/** A client that tests tell the server with; it never retries, so that a mistake shows at once. */
const adminOf = (port: number): Redis => {
  const client = new Redis({ host: HOST, port, lazyConnect: true, retryStrategy: () => null, enableReadyCheck: false })
  client.on('error', () => undefined)
  return client
}

const commandOn = async (port: number, [name = '', ...args]: readonly string[]): Promise<unknown> => {
  const admin = adminOf(port)
  try {
    await admin.connect()
    return await admin.call(name, args)
  } finally {
    admin.disconnect()
  }
}

/** Whether a server answers on the port, to somebody who has not logged in. */
const isUp = async (port: number): Promise<boolean> => {
  const socket = createConnection(port, HOST)
  try {
    socket.write('PING\r\n')
    const answer: readonly unknown[] = await once(socket, 'data')
    return /PONG|NOAUTH/.test(String(answer[0]))
  } finally {
    socket.destroy()
  }
}

/** Waits for what must come about within ten seconds. */
export const waitUntil = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
  for (let attempt = 0; attempt < 500; attempt++) {
    // One after another: each looks anew.
    if (await isSo().catch(() => false)) return
    await after(20)
  }
  throw new Error(`${what} did not come about`)
}

/** As in production: nothing is evicted, and everything is written to an append-only file. */
const SETTINGS = {
  bind: HOST,
  save: '',
  appendonly: 'yes',
  appendfsync: 'everysec',
  'maxmemory-policy': 'noeviction',
  'repl-diskless-sync-delay': '0',
} as const

/** Servers must not outlive the tests, whatever ends those. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
// Vitest ends its workers so, and nothing of the above would run.
process.once('SIGTERM', () => process.exit())

/** Starts a server; `settings` stand in place of those of production. */
export const startRedis = async (settings: Readonly<Record<string, string>> = {}): Promise<RedisServer> => {
  const { folder, remove } = temporaryFolder()
  const [port, busPort] = [await freePort(), await freePort()]
  const data = join(folder, 'data')
  mkdirSync(data)
  const all = { ...SETTINGS, port: String(port), 'cluster-port': String(busPort), dir: data, ...settings }
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value])
  let child: ChildProcess | null = null

  const start = async (): Promise<void> => {
    const started = spawn('redis-server', args, { stdio: 'ignore' })
    running.add(started)
    started.once('exit', () => running.delete(started))
    child = started
    await waitUntil('a Redis server', () => isUp(port))
  }

  const ended = async (): Promise<void> => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    await once(child, 'exit')
  }

  await start()
  return {
    host: HOST,
    port,
    signal: (name) => {
      child?.kill(name)
    },
    ended,
    restart: start,
    command: (...command) => commandOn(port, command),
    stop: async () => {
      // A stopped process hears nothing but this.
      child?.kill('SIGKILL')
      await ended()
      remove()
    },
  }
}

/** Whether a replica acknowledges what its primary writes. */
export const hasReplica = async ({ port }: RedisServer): Promise<boolean> => {
  const admin = adminOf(port)
  try {
    await admin.connect()
    // Of a Cluster each node takes some keys only.
    for (let key = 0; key < 20; key++) {
      const isWritten = await admin.set(`replicated ${key}`, 'yes', 'PX', 1).catch(() => null)
      if (isWritten !== null) return (await admin.wait(1, 100)) > 0
    }
    return false
  } finally {
    admin.disconnect()
  }
}

/** A server and a replica of it that has caught up. */
export const startReplicated = async (): Promise<{ readonly primary: RedisServer; readonly replica: RedisServer }> => {
  const primary = await startRedis()
  const replica = await startRedis({ replicaof: `${primary.host} ${primary.port}` })
  await waitUntil('replication', () => hasReplica(primary))
  return { primary, replica }
}

const SLOTS = 16_384

/** Nodes that are one Cluster: three primaries, and replicas of them in the same order where there are any. */
export interface RedisCluster {
  readonly primaries: readonly RedisServer[]
  readonly replicas: readonly RedisServer[]
  stop(): Promise<void>
}

const busPortOf = async (node: RedisServer): Promise<string> =>
  String(await node.command('config', 'get', 'cluster-port'))
    .split(',')
    .at(-1) ?? ''

/** Starts a Cluster, with one replica for each primary where `isReplicated`. */
export const startCluster = async (isReplicated = false): Promise<RedisCluster> => {
  const settings = { 'cluster-enabled': 'yes', 'cluster-node-timeout': '2000', 'cluster-replica-no-failover': 'yes' }
  const start = () => Promise.all(Array.from({ length: 3 }, () => startRedis(settings)))
  const [primaries, replicas] = await Promise.all([start(), isReplicated ? start() : []])
  const nodes = [...primaries, ...replicas]
  const [first] = nodes
  for (const [index, node] of primaries.entries()) {
    const [from, to] = [index, index + 1].map((part) => Math.floor((part * SLOTS) / primaries.length))
    await node.command('cluster', 'addslotsrange', String(from), String((to ?? 0) - 1))
    await node.command('cluster', 'set-config-epoch', String(index + 1))
  }
  for (const node of nodes.slice(1)) {
    await first?.command('cluster', 'meet', node.host, String(node.port), await busPortOf(node))
  }
  for (const node of nodes) {
    await waitUntil('a Cluster', async () => {
      const info = String(await node.command('cluster', 'info'))
      return /cluster_state:ok/.test(info) && info.includes(`cluster_known_nodes:${nodes.length}`)
    })
  }
  for (const [index, replica] of replicas.entries()) {
    const primary = primaries[index]
    if (primary === undefined) throw new Error('there is one for each')
    await replica.command('cluster', 'replicate', String(await primary.command('cluster', 'myid')))
    await waitUntil('replication', () => hasReplica(primary))
  }
  return {
    primaries,
    replicas,
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()))
    },
  }
}
