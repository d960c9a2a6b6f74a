/**
 * `node bench/redis-rotate.mjs`, after `npm run build`: what the store costs above the client. Refreshes through
 * `redisStore` against the client's own EVALSHA of the same script, in turns, on a private server that is as durable as
 * in production. Fails where the store keeps less than 0.8 of the client's rate.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { redisStore } from '../dist/stores/redis/index.js'
import { createScripts } from '../dist/stores/redis/scripts.js'

// The clients are what testing needs, so they are installed there.
const requireFromTests = createRequire(new URL('../test/package.json', import.meta.url))
const { Redis } = requireFromTests('ioredis')
const { createClient } = requireFromTests('redis')

const SETTINGS = {
  sessions: 2_000,
  callers: 64,
  rotationsInARound: 2_000,
  rounds: 60,
  appendonly: 'yes',
  appendfsync: 'everysec',
}
const LEAST_RATIO = 0.8

// Each presentation rotates: strict single use, and the newest token each time.
const POLICY = { graceMs: 0, lateReplays: 0, retention: 906 }

const freePort = async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

const newIdentifier = (subject) =>
  Buffer.concat([createHash('sha256').update(subject).digest().subarray(0, 2), randomBytes(16)]).toString('base64url')

const newSession = (index) => {
  const subject = `user ${index}`
  return {
    id: newIdentifier(subject),
    subject,
    authTime: null,
    absoluteLifetime: 180 * 86_400,
    stamp: { subject: 0, global: 0 },
    grant: {
      permissions: ['orders:read', 'orders:write'],
      claims: { role: 'editor', tenant: 'acme' },
      audience: ['https://api.example.com'],
      clientId: 'app',
      accessLifetime: 900,
      idleLifetime: 30 * 86_400,
      credentialVersion: 1,
    },
    keyThumbprint: null,
    device: 'Firefox on Linux',
    refreshData: { theme: 'dark' },
    refreshKeyId: 'key-1',
  }
}

/** Sessions, and the generation of each that is to be presented next. */
const makeSessions = async (store) => {
  const made = []
  for (let index = 0; index < SETTINGS.sessions; index++) {
    const { session } = await store.sessions.create(newSession(index), { retention: 906, maxPerSubject: 50 })
    made.push({ session, generation: 0 })
  }
  return made
}

const throughStore = (store) => async (item) => {
  const { id, subject, createdAt } = item.session
  const presented = { sessionId: id, subject, createdAt, keyId: 'key-1', nextKeyId: 'key-1', keyThumbprint: null }
  const { outcome } = await store.sessions.rotate({ ...presented, generation: item.generation }, POLICY)
  if (outcome !== 'rotated') throw new Error(`the store answered ${outcome}`)
  item.generation += 1
}

const throughClient = (send, prefix) => {
  const { sha } = createScripts().rotate
  return async (item) => {
    const { id, subject, createdAt } = item.session
    const base = `${prefix}:{b${createHash('sha256').update(subject).digest()[0] >> 4}}:`
    const keys = [`${base}meta`, `${base}absent`]
    const rest = [String(item.generation), String(createdAt), 'key-1', 'key-1', '', '0', '0', '906000']
    const [outcome] = await send(['evalsha', sha, '2', ...keys, id, subject, ...rest])
    if (outcome !== 'rotated') throw new Error(`the script answered ${outcome}`)
    item.generation += 1
  }
}

/** Rotations a second, by so many callers that each wait for their answer. */
const measure = async (rotate, items) => {
  let next = 0
  const caller = async () => {
    while (next < SETTINGS.rotationsInARound) {
      const item = items[next % items.length]
      next += 1
      await rotate(item)
    }
  }
  const began = performance.now()
  await Promise.all(Array.from({ length: SETTINGS.callers }, caller))
  return SETTINGS.rotationsInARound / ((performance.now() - began) / 1000)
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

const compare = async (name, client, send) => {
  const prefix = `bench-${name}`
  const store = redisStore(client, { prefix })
  await store.ready()
  const items = await makeSessions(store)
  const ways = [throughStore(store), throughClient(send, prefix)]
  // Once for nothing: the server learns the script, and the engine which code is hot.
  for (const way of ways) await measure(way, items)
  const rounds = []
  for (let round = 0; round < SETTINGS.rounds; round++) {
    // In turns and briefly, so that what else the machine does falls on both.
    const own = await measure(ways[0], items)
    const raw = await measure(ways[1], items)
    rounds.push({ own, raw, ratio: own / raw })
  }
  const [own, raw, ratio] = ['own', 'raw', 'ratio'].map((what) => median(rounds.map((round) => round[what])))
  console.log(`${name}: store ${Math.round(own)}/s, client alone ${Math.round(raw)}/s, ratio ${ratio.toFixed(2)}`)
  return ratio
}

const folder = mkdtempSync(join(tmpdir(), 'jotward-bench-'))
const port = await freePort()
const { appendonly, appendfsync } = SETTINGS
const args = {
  port,
  bind: '127.0.0.1',
  dir: folder,
  save: '',
  appendonly,
  appendfsync,
  'maxmemory-policy': 'noeviction',
}
const server = spawn(
  'redis-server',
  Object.entries(args).flatMap(([key, value]) => [`--${key}`, String(value)]),
  { stdio: 'ignore' },
)
try {
  await wait(500)
  const ioredis = new Redis(port, '127.0.0.1')
  const nodeRedis = createClient({ socket: { host: '127.0.0.1', port } })
  await nodeRedis.connect()
  const [, version] = /redis_version:(\S+)/.exec(await ioredis.info('server')) ?? []
  console.log(`Redis ${version}, Node ${process.versions.node}, ${cpus().length} cores shared with the server`)
  console.log(JSON.stringify(SETTINGS))
  const ratios = [
    await compare('ioredis', ioredis, ([command, ...rest]) => ioredis.call(command, rest)),
    await compare('node-redis', nodeRedis, (command) => nodeRedis.sendCommand(command)),
  ]
  if (ratios.some((ratio) => ratio < LEAST_RATIO)) {
    console.error(`the store keeps less than ${LEAST_RATIO} of its client's rate`)
    process.exitCode = 1
  }
  ioredis.disconnect()
  nodeRedis.destroy()
} finally {
  server.kill('SIGKILL')
  await once(server, 'exit')
  rmSync(folder, { recursive: true, force: true })
}
