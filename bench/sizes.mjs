/**
 * `node bench/sizes.mjs`, after `npm run build`: what sessions and revocations take, per piece, in PostgreSQL, in Redis and
 * in a process that follows the log, how long such a process takes to read the whole log, and to ask for news where there are
 * none. The figures of docs/scale.md.
 * PostgreSQL: DATABASE_URL, else the server on this machine; a database of its own, dropped afterwards. Redis: a private
 * server. `--json` for programs; SESSIONS and REVOCATIONS change the counts.
 */
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { createRevocationSet } from '../dist/stores/index.js'
import { postgresStore } from '../dist/stores/postgres/index.js'
import { redisStore } from '../dist/stores/redis/index.js'
import { replicated } from '../dist/stores/replicated/index.js'

// The clients are what testing needs, so they are installed there.
const requireFromTests = createRequire(new URL('../test/package.json', import.meta.url))
const { Redis } = requireFromTests('ioredis')
const { Client, Pool } = requireFromTests('pg')

const SESSIONS = Number(process.env.SESSIONS ?? 20_000)
const REVOCATIONS = Number(process.env.REVOCATIONS ?? 100_000)
const SERVER = process.env.DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres'
const RETENTION = 3_901
const POLLS = 1_000

const newIdentifier = (subject) =>
  Buffer.concat([createHash('sha256').update(subject).digest().subarray(0, 2), randomBytes(16)]).toString('base64url')

const newSession = (index) => {
  const subject = `user-${index}`
  return {
    id: newIdentifier(subject),
    subject,
    authTime: null,
    absoluteLifetime: 180 * 86_400,
    stamp: { subject: 0, global: 0 },
    grant: {
      permissions: ['orders:read', 'orders:write'],
      claims: { role: 'editor' },
      audience: ['https://api.example.com'],
      clientId: 'app',
      accessLifetime: 900,
      idleLifetime: 30 * 86_400,
      credentialVersion: 1,
    },
    keyThumbprint: null,
    device: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    refreshData: null,
    refreshKeyId: 'refresh-1',
  }
}

/** Does `work` for each number, so many at once. */
const each = async (count, work, atOnce = 32) => {
  let next = 0
  const worker = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

const note = (text) => process.stderr.write(`${text}\n`)

const measure = async (name, store, used) => {
  await store.ready()
  const empty = await used()
  note(`${name}: ${SESSIONS} sessions`)
  await each(SESSIONS, (index) => store.sessions.create(newSession(index), { retention: RETENTION, maxPerSubject: 50 }))
  const withSessions = await used()
  note(`${name}: ${REVOCATIONS} revocations`)
  await each(REVOCATIONS, (index) => {
    const subject = `user-${index % SESSIONS}`
    return store.revocations.setToken({ tokenId: newIdentifier(subject), subject, revoked: true, retention: RETENTION })
  })
  const withRevocations = await used()
  const copy = replicated(store)
  const from = performance.now()
  await copy.ready()
  const reloadMs = performance.now() - from
  await copy.close()
  let { cursor, atEnd } = await store.revocations.read(null)
  while (!atEnd) ({ cursor, atEnd } = await store.revocations.read(cursor))
  const pollsFrom = performance.now()
  for (let poll = 0; poll < POLLS; poll++) await store.revocations.read(cursor)
  const pollMs = (performance.now() - pollsFrom) / POLLS
  return {
    store: name,
    bytesPerSession: Math.round((withSessions - empty) / SESSIONS),
    bytesPerRevocation: Math.round((withRevocations - withSessions) / REVOCATIONS),
    idlePollMs: Math.round(pollMs * 100) / 100,
    readWholeLogMsPer100k: Math.round((reloadMs / REVOCATIONS) * 100_000),
  }
}

const inPostgres = async () => {
  const name = `jotward_sizes_${randomBytes(4).toString('hex')}`
  const admin = new Client({ connectionString: SERVER })
  await admin.connect()
  await admin.query(`CREATE DATABASE ${name}`)
  const url = new URL(SERVER)
  url.pathname = `/${name}`
  const pool = new Pool({ connectionString: url.href, max: 8, options: '-c synchronous_commit=local' })
  pool.on('error', () => undefined)
  try {
    return await measure('PostgreSQL', postgresStore(pool), async () => {
      await pool.query('VACUUM ANALYZE')
      const { rows } = await pool.query(
        "SELECT sum(pg_total_relation_size(c.oid))::float8 AS bytes FROM pg_class c WHERE relnamespace = 'jotward'::regnamespace AND relkind = 'r'",
      )
      return rows[0].bytes
    })
  } finally {
    await pool.end()
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)
    await admin.end()
  }
}

const freePort = async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

const inRedis = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jotward-sizes-'))
  const port = await freePort()
  const settings = ['--port', String(port), '--dir', folder, '--save', '', '--appendonly', 'yes']
  const server = spawn('redis-server', [...settings, '--maxmemory-policy', 'noeviction'], { stdio: 'ignore' })
  const client = new Redis({ port, retryStrategy: () => 50 })
  client.on('error', () => undefined)
  try {
    return await measure('Redis', redisStore(client), async () => {
      await wait(500)
      return Number(/used_memory:(\d+)/.exec(await client.info('memory'))[1])
    })
  } finally {
    client.disconnect()
    server.kill('SIGKILL')
    await once(server, 'exit')
    rmSync(folder, { recursive: true, force: true })
  }
}

const inProcess = () => {
  const count = 1_000_000
  note(`process: ${count} revocations`)
  globalThis.gc()
  const memory = () => {
    globalThis.gc()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const before = memory()
  const set = createRevocationSet()
  const expiresAtMs = Date.now() + RETENTION * 1000
  for (let index = 0; index < count; index++) {
    set.apply({ kind: 'session', id: newIdentifier('ann'), revoked: true, expiresAtMs, version: index + 1 })
  }
  const bytes = memory() - before
  return { store: 'process', entries: set.size, megabytes: Math.round(bytes / 1e5) / 10 }
}

if (globalThis.gc === undefined) {
  const again = spawn(process.execPath, ['--expose-gc', ...process.argv.slice(1)], { stdio: 'inherit' })
  const [code] = await once(again, 'exit')
  process.exit(code ?? 1)
}
const results = [inProcess(), await inPostgres(), await inRedis()]
if (process.argv.includes('--json'))
  console.log(JSON.stringify({ node: process.version, SESSIONS, REVOCATIONS, results }))
else console.table(results)
