/**
 * `node bench/postgres-rotate.mjs [url]`: rotations through the PostgreSQL store beside the statement that a program of its
 * own would send, on the same rows and the same pool, by turns in one run. Wants `npm run build` first, and a server (the
 * argument, TEST_POSTGRES_URL, or the one on this machine) on which it may make a database; it drops it again.
 */
import { randomBytes } from 'node:crypto'
import { Client, Pool } from 'pg'
import postgres from 'postgres'
import { postgresStore } from '../dist/stores/postgres/index.js'

const server = process.argv[2] ?? process.env.TEST_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres'
const POOL = 20
const WORKERS = 40
const SESSIONS = 4_000
const SLICE_MS = 400
const ROUNDS = 25
const TARGET = 0.8

const POLICY = { graceMs: 0, lateReplays: 0, retention: 906 }
const GRANT = {
  permissions: ['orders:read', 'orders:write'],
  claims: { role: 'editor' },
  audience: ['https://api.example.com'],
  clientId: 'app',
  accessLifetime: 900,
  idleLifetime: 2_592_000,
  credentialVersion: 1,
}

/** The equal statement: one rotation, without any of the rules that make it safe. */
const rawPg = (pool) => (id, generation, now) =>
  pool.query(
    `UPDATE jotward.sessions SET generation = generation + 1, refresh_key_id = $2, rotated_at_ms = $3, grace_from_ms = $3,
       idle_expires_at_ms = $4 WHERE id = $1 AND generation = $5 AND ended_at_ms IS NULL RETURNING *`,
    [id, 'key-1', now, now + 2_592_000_000, generation],
  )

const rawPostgresJs = (sql) => (id, generation, now) =>
  sql`UPDATE jotward.sessions SET generation = generation + 1, refresh_key_id = ${'key-1'}, rotated_at_ms = ${now},
        grace_from_ms = ${now}, idle_expires_at_ms = ${now + 2_592_000_000}
      WHERE id = ${id} AND generation = ${generation} AND ended_at_ms IS NULL RETURNING *`

const createSessions = async (store) => {
  const wanted = Array.from({ length: SESSIONS }, (_, index) => ({
    id: `session-${index}`,
    subject: `user ${index}`,
    authTime: null,
    absoluteLifetime: 15_552_000,
    stamp: { subject: 0, global: 0 },
    grant: GRANT,
    keyThumbprint: null,
    device: 'Firefox on Linux',
    refreshData: null,
    refreshKeyId: 'key-1',
  }))
  const creations = await Promise.all(
    wanted.map((session) => store.sessions.create(session, { maxPerSubject: 50, retention: 906 })),
  )
  return creations.map(({ session }) => ({ ...session, generation: 0 }))
}

/** Rotations in a second: so many workers, each over sessions of its own. */
const measure = async (rotate, sessions, sliceMs) => {
  const end = performance.now() + sliceMs
  let count = 0
  const work = async (worker) => {
    for (let turn = worker; performance.now() < end; turn = (turn + WORKERS) % SESSIONS) {
      await rotate(sessions[turn])
      count += 1
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)))
  return (count * 1000) / sliceMs
}

const throughStore = (store) => async (session) => {
  const { id: sessionId, subject, generation, createdAt } = session
  const keys = { keyId: 'key-1', nextKeyId: 'key-1', keyThumbprint: null }
  const { outcome } = await store.sessions.rotate({ sessionId, subject, generation, createdAt, ...keys }, POLICY)
  if (outcome !== 'rotated') throw new Error(`a rotation was ${outcome}`)
  session.generation += 1
}

const throughDriver = (statement) => async (session) => {
  const answer = await statement(session.id, session.generation, Date.now())
  if ((answer.rows ?? answer).length !== 1) throw new Error('a statement changed nothing')
  session.generation += 1
}

const quantile = (values, share) => values.toSorted((a, b) => a - b)[Math.floor(values.length * share)]
const median = (values) => quantile(values, 0.5)

const compare = async (name, { store, statement }, sessions) => {
  const [ours, raw] = [throughStore(store), throughDriver(statement)]
  for (const rotate of [raw, ours]) await measure(rotate, sessions, 2 * SLICE_MS)
  const rounds = []
  for (let round = 0; round < ROUNDS; round++) {
    // By turns, and in either order, so that whatever else the machine does meets both.
    const order = round % 2 === 0 ? [raw, ours] : [ours, raw]
    const rates = new Map()
    for (const rotate of order) rates.set(rotate, await measure(rotate, sessions, SLICE_MS))
    rounds.push({ ours: rates.get(ours), raw: rates.get(raw) })
  }
  // Of each round, then the median: what slows both down for a while cancels out, and a round that was cut into is left aside.
  const ratios = rounds.map((round) => round.ours / round.raw)
  const ratio = median(ratios)
  const spread = [0.25, 0.75].map((share) => quantile(ratios, share).toFixed(2)).join(' to ')
  const [store_, driver] = [median(rounds.map((round) => round.ours)), median(rounds.map((round) => round.raw))]
  console.log(
    `${name.padEnd(10)} store ${Math.round(store_)}/s, driver alone ${Math.round(driver)}/s, ratio ${ratio.toFixed(2)} (half of the rounds ${spread}; at least ${TARGET})`,
  )
  return ratio
}

const admin = new Client({ connectionString: server })
await admin.connect()
const database = `jotward_bench_${randomBytes(4).toString('hex')}`
await admin.query(`CREATE DATABASE ${database}`)
const url = new URL(server)
url.pathname = `/${database}`
try {
  const pool = new Pool({ connectionString: url.href, max: POOL })
  // As docs/stores.md asks.
  const sql = postgres(url.href, { max: POOL, max_pipeline: 1 })
  const settings = ['server_version', 'synchronous_commit', 'fsync', 'shared_buffers', 'max_connections']
  for (const name of settings) console.log(`${name} = ${(await pool.query(`SHOW ${name}`)).rows[0][name]}`)
  console.log(`pool ${POOL}, ${WORKERS} workers, ${SESSIONS} sessions, Node ${process.version}`)
  const stores = { pg: postgresStore(pool), 'postgres.js': postgresStore(sql) }
  await stores.pg.ready()
  const sessions = await createSessions(stores.pg)
  const ratios = [
    await compare('pg', { store: stores.pg, statement: rawPg(pool) }, sessions),
    await compare('postgres.js', { store: stores['postgres.js'], statement: rawPostgresJs(sql) }, sessions),
  ]
  await pool.end()
  await sql.end()
  process.exitCode = ratios.every((ratio) => ratio >= TARGET) ? 0 : 1
} finally {
  await admin.query(`DROP DATABASE ${database} WITH (FORCE)`)
  await admin.end()
}
