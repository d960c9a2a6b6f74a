import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { FAULTS, MEASUREMENTS } from './faults.ts'
import { problemsOf, toRow } from './harness/campaign-row.ts'
import type { CampaignRow } from './harness/campaign-row.ts'
import { runRound } from './harness/fault.ts'
import type { Fault, Findings } from './harness/fault.ts'
import { withRows } from './harness/report.ts'
import { createServers } from './harness/servers.ts'

/** The long campaign: each fault by itself, round after round. Run by campaign.mjs, which tells what to do. */

const PAGE = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url))

/** Longer ones show no more than several. */
const LONGEST_ROUND_S = 60

/** What campaign.mjs has made of its arguments. */
const asked = JSON.parse(process.env['JOTWARD_FAULTS'] ?? '{}') as {
  readonly only?: readonly string[]
  readonly minutes?: number
  readonly results?: string
  readonly write?: boolean
}

const everything = [...FAULTS, ...MEASUREMENTS]
/** `F1` means all faults of that number. */
const isAsked = ({ name }: Fault): boolean =>
  asked.only === undefined || asked.only.some((wanted) => name === wanted || name.startsWith(`${wanted} `))
const chosen = everything.filter(isAsked)

const budget = ((asked.minutes ?? 20) * 60) / Math.max(1, chosen.length)
const seconds = Math.max(3, Math.min(LONGEST_ROUND_S, Math.round(budget)))
const rounds = Math.max(1, Math.round(budget / seconds))
const date = new Date().toISOString().slice(0, 10)

const say = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

describe('the campaign', () => {
  const servers = createServers()
  const rows: CampaignRow[] = []

  afterAll(async () => {
    await servers.stop()
    if (asked.results !== undefined) writeFileSync(asked.results, JSON.stringify(rows, null, 2))
    if (asked.write !== true || rows.length === 0) return
    const order = everything.map(({ name }) => name)
    writeFileSync(PAGE, withRows(readFileSync(PAGE, 'utf8'), rows, order))
  })

  test('there is something to try', () => {
    expect(chosen.map(({ name }) => name)).not.toEqual([])
  })

  for (const fault of chosen) {
    test(`${fault.name}: ${fault.title}`, async () => {
      const findings: Findings[] = []
      for (let round = 1; round <= rounds; round++) {
        say(`${fault.name}: round ${round} of ${rounds}, ${seconds} s`)
        // By itself, so that times are its own.
        const found = await runRound(fault, seconds, servers)
        findings.push(found)
        const { tally, incidents, breaches } = found
        say(`  ${tally.operations} operations, ${incidents} faults, ${breaches.length} breaches`)
      }
      const row = toRow(fault, findings, { date, seconds })
      rows.push(row)
      for (const { name, value, unit } of row.measures) say(`  ${name}: ${value} ${unit}`)
      expect(problemsOf(row)).toEqual([])
    })
  }
})
