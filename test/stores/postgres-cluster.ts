import { execFile, spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, chownSync, existsSync, openSync, closeSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { describe } from 'vitest'
import { temporaryFolder } from './stores-under-test.ts'

/** Real servers of PostgreSQL, private to one test file: on free ports, in temporary folders, ended by their process ids. */

const INSTALLED = '/usr/lib/postgresql'

/** The folder of the binaries: TEST_POSTGRES_BIN, else the newest that a Debian package has put there. */
const findBinaries = (): string | null => {
  const named = process.env['TEST_POSTGRES_BIN']
  if (named !== undefined) return named
  if (!existsSync(INSTALLED)) return null
  const versions = readdirSync(INSTALLED).toSorted((a, b) => Number(b) - Number(a))
  return (
    versions.map((version) => join(INSTALLED, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb'))) ?? null
  )
}

const binaries = findBinaries()

if (binaries === null) {
  const words =
    'NOT TESTED: PostgreSQL with standbys. Its binaries are not here; set TEST_POSTGRES_BIN to their folder.'
  // Where everything must run, that is a failure.
  if (process.env['CI'] !== undefined) throw new Error(words)
  process.stderr.write(`\n${words}\n`)
}

/** `describe`, where there are binaries to start servers from. */
export const describeCluster = binaries === null ? describe.skip : describe

const HOST = '127.0.0.1'
const SUPERUSER = 'postgres'
const NOBODY = 65_534

/** PostgreSQL does not run as root. */
const AS_NOBODY = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}

/** Nothing of the caller's PG* variables. */
const ENVIRONMENT = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' }

export type Settings = Readonly<Record<string, string>>

/** As in production, but small, and with enough of the log kept for a standby that was away. */
const SETTINGS = {
  listen_addresses: HOST,
  shared_buffers: '32MB',
  wal_keep_size: '128MB',
  max_wal_size: '256MB',
  // How soon a standby looks for its primary again.
  wal_retrieve_retry_interval: '200ms',
} as const

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, HOST)
  await once(server, 'listening')
  // A server that listens on a port has an address of this kind.
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Waits for what must come about within a minute: the machine may be busy. */
export const until = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
  const end = performance.now() + 60_000
  while (performance.now() < end) {
    // One after another: each looks anew.
    if (await isSo().catch(() => false)) return
    await after(20)
  }
  throw new Error(`${what} did not come about`)
}

/** Runs one of PostgreSQL's own programs to its end, as the user of the servers. */
export const runBinary = async (name: string, args: readonly string[]): Promise<string> => {
  if (binaries === null) throw new Error('describeCluster leaves these tests out')
  const options = { ...AS_NOBODY, cwd: '/', env: ENVIRONMENT, maxBuffer: 2 ** 28 }
  const { stdout } = await promisify(execFile)(join(binaries, name), args, options)
  return stdout
}

/** A server and all its processes: each leads a session of its own, so that no signal reaches them together. */
const familyOf = (parent: number): readonly number[] => {
  const table = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).stdout
  const rows = table.split('\n').map((line) => line.trim().split(/\s+/).map(Number))
  const children = rows.filter(([, of]) => of === parent).map(([pid]) => pid ?? parent)
  return [parent, ...children]
}

const signalAll = (child: ChildProcess, name: NodeJS.Signals): void => {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  // The parent must not start new ones meanwhile.
  child.kill(name === 'SIGKILL' ? 'SIGSTOP' : name)
  for (const pid of familyOf(child.pid)) {
    try {
      process.kill(pid, name)
    } catch {
      // It has ended by itself.
    }
  }
}

/** A folder, and the way to be rid of it. */
export interface Place {
  readonly folder: string
  readonly remove: () => void
}

/** Servers and their data must not outlive the tests, whatever ends those. */
const running = new Set<ChildProcess>()
const places = new Set<Place>()
process.once('exit', () => {
  for (const child of running) signalAll(child, 'SIGKILL')
  const folders = [...places].map(({ folder }) => folder)
  if (folders.length === 0) return
  // Whoever dies may be writing a file still, and this process is given no time to wait for that.
  spawn('sh', ['-c', 'sleep 1; rm -rf "$@"', 'sh', ...folders], { detached: true, stdio: 'ignore' }).unref()
})
// Vitest ends its processes so, and by itself that lets nothing run at the exit.
process.once('SIGTERM', () => process.exit())

export interface PostgresServer {
  readonly host: string
  readonly port: number
  /** The folder of its data. */
  readonly data: string
  /** For a superuser, in the database `postgres`. */
  readonly url: string
  /** Runs SQL on a connection of its own. */
  query(text: string, values?: unknown[]): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** Changes settings that need no restart. */
  set(settings: Settings): Promise<void>
  /** SIGKILL to it and all its processes at once; waits for their end. */
  kill(): Promise<void>
  /** SIGSTOP to them all: connections stay, nothing answers. */
  freeze(): void
  thaw(): void
  /** Starts it anew on the same port and data, after `kill`. */
  restart(): Promise<void>
  /** Makes a standby a primary, and waits until it takes writes. */
  promote(): Promise<void>
  /** Ends it, whatever state it is in, and removes its data. */
  stop(): Promise<void>
}

const queryAt = async (url: string, text: string, values?: unknown[]) => {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  // A server that is killed breaks it off; the query itself tells.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.query<Record<string, unknown>>(text, values)).rows
  } finally {
    await client.end().catch(() => undefined)
  }
}

const quote = (value: string): string => `'${value.replaceAll("'", "''")}'`

const linesOf = (settings: Settings): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name} = ${quote(value)}\n`)
    .join('')

/** A folder that the servers' user owns. */
export const ownFolder = (): Place => {
  const { folder, remove } = temporaryFolder()
  if (AS_NOBODY.uid !== undefined) chownSync(folder, AS_NOBODY.uid, AS_NOBODY.gid)
  const place = {
    folder,
    remove: (): void => {
      places.delete(place)
      remove()
    },
  }
  places.add(place)
  return place
}

/** Starts a server on the data that `fill` puts into a folder. */
const startOn = async (
  fill: (data: string) => Promise<unknown>,
  settings: Settings,
  { folder, remove }: Place = ownFolder(),
): Promise<PostgresServer> => {
  const [data, log, port] = [join(folder, 'data'), join(folder, 'log'), await freePort()]
  const url = `postgres://${SUPERUSER}@${HOST}:${port}/postgres`
  let child: ChildProcess | null = null

  const ended = async (): Promise<void> => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    await once(child, 'exit')
  }

  const start = async (): Promise<void> => {
    if (binaries === null) throw new Error('describeCluster leaves these tests out')
    const output = openSync(log, 'a')
    const options = { ...AS_NOBODY, cwd: '/', env: ENVIRONMENT }
    const started = spawn(join(binaries, 'postgres'), ['-D', data], { ...options, stdio: ['ignore', output, output] })
    closeSync(output)
    running.add(started)
    started.once('exit', () => running.delete(started))
    child = started
    await until('a PostgreSQL server', async () => {
      if (started.exitCode !== null) return true
      return (await queryAt(url, 'SELECT 1')).length === 1
    })
    if (started.exitCode !== null) throw new Error(`PostgreSQL ended: ${readFileSync(log, 'utf8').slice(-2000)}`)
  }

  const signal = (name: NodeJS.Signals): void => {
    if (child !== null) signalAll(child, name)
  }

  const kill = async (): Promise<void> => {
    signal('SIGKILL')
    await ended()
  }

  const query: PostgresServer['query'] = (text, values) => queryAt(url, text, values)

  await fill(data)
  const own = { ...settings, port: String(port), unix_socket_directories: folder }
  appendFileSync(join(data, 'postgresql.conf'), `\n${linesOf(own)}`)
  await start()
  return {
    host: HOST,
    port,
    data,
    url,
    query,
    set: async (changed) => {
      for (const [name, value] of Object.entries(changed)) await query(`ALTER SYSTEM SET ${name} = ${quote(value)}`)
      await query('SELECT pg_reload_conf()')
    },
    kill,
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    restart: start,
    promote: async () => {
      await query('SELECT pg_promote(true, 60)')
      await until('a promotion', async () => (await query('SELECT pg_is_in_recovery() AS is'))[0]?.['is'] === false)
    },
    stop: async () => {
      await kill()
      remove()
    },
  }
}

/** Starts a server with nothing in it; `settings` stand in place of those of production, `place` where it lies elsewhere. */
export const startPostgres = (settings: Settings = {}, place?: Place): Promise<PostgresServer> =>
  startOn(
    (data) =>
      runBinary('initdb', ['-D', data, '-U', SUPERUSER, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']),
    { ...SETTINGS, ...settings },
    place,
  )

const backUp = (server: PostgresServer, data: string, more: readonly string[]): Promise<string> => {
  const connection = `host=${server.host} port=${server.port} user=${SUPERUSER} application_name=standby`
  return runBinary('pg_basebackup', ['-D', data, '-d', connection, '-c', 'fast', '-X', 'stream', '--no-sync', ...more])
}

/** Starts a server of its own on a copy of another's data as they are now: what a restored backup is. */
export const startCopy = (server: PostgresServer): Promise<PostgresServer> =>
  startOn((data) => backUp(server, data, []), {})

export interface StandbyOptions {
  /** Whether commits on the primary wait for it; default false. */
  readonly isSynchronous?: boolean
}

/** Starts a standby of a primary, and waits until it follows. */
export const startStandby = async (
  primary: PostgresServer,
  { isSynchronous = false }: StandbyOptions = {},
): Promise<PostgresServer> => {
  const standby = await startOn((data) => backUp(primary, data, ['-R']), {})
  // After the copy: the standby, once promoted, must not wait for itself.
  if (isSynchronous) await primary.set({ synchronous_standby_names: 'standby' })
  const wanted = isSynchronous ? 'sync' : 'async'
  await until('replication', async () => {
    const rows = await primary.query(`SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'`)
    return rows.some((row) => row['sync_state'] === wanted)
  })
  return standby
}
