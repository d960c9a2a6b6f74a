import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Round } from './fault.ts'
import { allOrNone, supervise } from './processes.ts'
import type { Worker } from './processes.ts'

/** Processes of `jotward serve` on one PostgreSQL. */

const MAIN = fileURLToPath(new URL('../../../server/dist/main.js', import.meta.url))

const SECRET = 'v5Kb8Wn2Xs6Lq1Zc9Fy4Hd7Rj3Tm0PgUe'

/** What the server prints once it serves. */
const readPort = (line: string): number | null => {
  const url = /Jotward serves (\S+)/.exec(line)?.[1]
  return url === undefined ? null : Number(new URL(url).port)
}

/** Starts servers that differ in nothing but their ports. */
export const startJotwardServers = async (count: number, url: string, round: Round): Promise<readonly Worker[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'jotward-test-'))
  round.defer(() => rmSync(folder, { recursive: true, force: true }))
  const env = {
    PATH: process.env['PATH'] ?? '',
    PORT: '0',
    DATABASE_URL: url,
    JOTWARD_DATA: folder,
    JOTWARD_SECRET: SECRET,
    JOTWARD_ISSUER: 'https://id.example',
    JOTWARD_LEASE: '1s',
    JOTWARD_ROTATION_GRACE: '3s',
    JOTWARD_LATE_REPLAYS: '2',
    JOTWARD_LOG_LEVEL: 'silent',
  }
  const starting = Array.from({ length: count }, (_, index) =>
    supervise(`server ${index + 1}`, () => ({ args: [MAIN, 'serve'], env, readPort })),
  )
  const workers = await allOrNone(starting)
  round.defer(() => Promise.all(workers.map((worker) => worker.end())))
  return workers
}
