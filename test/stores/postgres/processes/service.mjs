import { setTimeout as wait } from 'node:timers/promises'
import { Pool } from 'pg'
import { createAuth } from '../../../../dist/index.js'
import { postgresStore } from '../../../../dist/stores/postgres/index.js'

// Does one command, a JSON in its arguments, and writes one line of JSON: what every process of these tests is.

/** Begins with the others: they are all told the same moment. @param {number} moment */
const startAt = async (moment) => {
  await wait(Math.max(0, moment - Date.now() - 20))
  while (Date.now() < moment);
}

/** @param {Pool} pool */
const openAuth = (pool) => {
  /** @type {unknown[]} */
  const events = []
  const auth = createAuth({
    issuer: 'https://id.example',
    audience: 'https://api.example',
    keys: { secret: 'u3Jw9vK2pQx7Rz1Lm5Nt8Yb4Cd6Fg0Hs' },
    store: postgresStore(pool),
    hooks: { onEvent: (event) => events.push(event) },
  })
  return { auth, events }
}

const commands = {
  /** Makes the schema, or finds it made, and uses it at once. @param {Pool} pool @param {{ moment: number }} given */
  migrate: async (pool, { moment }) => {
    const { auth } = openAuth(pool)
    await startAt(moment)
    await auth.ready()
    const { session } = await auth.issue({ subject: `process ${process.pid}` })
    return session.id
  },
  /**
   * Presents every token so many times at once; tells the answers by token, and every event.
   * @param {Pool} pool @param {{ tokens: string[], presentations: number, moment: number }} given
   */
  storm: async (pool, { tokens, presentations, moment }) => {
    const { auth, events } = openAuth(pool)
    await auth.ready()
    await startAt(moment)
    const waves = Array.from({ length: presentations }, () => tokens.map((token) => auth.refresh(token)))
    const pairs = await Promise.all(waves.map((wave) => Promise.all(wave)))
    const successors = tokens.map((_, at) => [...new Set(pairs.map((wave) => wave[at]?.refreshToken))])
    return { successors, events }
  },
  /**
   * Spends every identifier, and tells which of them it was the first to spend.
   * @param {Pool} pool @param {{ ids: string[], moment: number }} given
   */
  spend: async (pool, { ids, moment }) => {
    const { singleUse } = postgresStore(pool)
    await startAt(moment)
    const spent = await Promise.all(ids.map(async (id) => singleUse.spend({ id, subject: 'ann', retention: 60 })))
    return ids.filter((_, at) => spent[at])
  },
}

/**
 * @param {{ name: keyof typeof commands, url: string, moment: number, tokens: string[], presentations: number, ids: string[] }} given
 */
const run = async (given) => {
  const pool = new Pool({ connectionString: given.url, max: 2 })
  const answer = await commands[given.name](pool, given)
  await pool.end()
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

await run(JSON.parse(process.argv[2] ?? ''))
