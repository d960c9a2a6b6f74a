import { describe, expect, test } from 'vitest'
import { problemsOf, toRow } from './harness/campaign-row.ts'
import { withRows } from './harness/report.ts'
import type { Findings } from './harness/fault.ts'
import type { Operation } from './harness/history.ts'

/** What the campaign makes of its rounds, and how it gets into the page. */

const F1 = { name: 'F1', title: 'kill -9', permitted: 'retries' }
const RUN = { date: '2026-01-31', seconds: 60 }
const PAGE = 'before\n<!-- campaign: written by npm run test:faults -->\n\n<!-- /campaign -->\nafter\n'

const found = (changed: Partial<Findings> = {}): Findings => ({
  tally: { operations: 1000, refreshes: 10, checks: 20, revocations: 5, refusals: 3, unavailable: 2, failed: 1 },
  incidents: 4,
  breaches: [],
  measures: [
    { name: 'recovery', value: 30, unit: 'ms', limit: 100 },
    { name: 'accepted', value: 0, unit: '', limit: 0 },
  ],
  history: null,
  ...changed,
})

const lost = { kind: 'revoked_accepted', what: 'it was', evidence: [] as readonly Operation[] } as const

describe('a row', () => {
  test('adds up the rounds, and takes the worst of their times', () => {
    const slower = found({ measures: [{ name: 'recovery', value: 80, unit: 'ms', limit: 100 }] })
    const row = toRow(F1, [found(), slower], RUN)
    expect(row).toMatchObject({
      rounds: 2,
      operations: 2000,
      incidents: 8,
      revocations: 10,
      unanswered: 6,
      breaches: {},
    })
    expect(row.measures.map(({ value }) => value)).toEqual([80, 0])
    expect(problemsOf(row)).toEqual([])
  })

  test('names every breach with its history, and every measure beyond its limit', () => {
    const bad = found({
      breaches: [lost, lost],
      history: 'F1.jsonl',
      measures: [{ name: 'recovery', value: 101, unit: 'ms', limit: 100 }],
    })
    expect(problemsOf(toRow(F1, [found(), bad], RUN))).toEqual([
      'revoked_accepted: 2 (F1.jsonl)',
      'recovery: 101 ms, should be at most 100',
    ])
  })
})

describe('the page', () => {
  test('gets rows in their order, keeps those that were not run, and everything around them', () => {
    const order = ['F1', 'F1 servers', 'F2']
    const second = toRow({ ...F1, name: 'F2' }, [found()], RUN)
    const servers = toRow({ ...F1, name: 'F1 servers' }, [found()], RUN)
    const first = withRows(PAGE, [second, servers], order)
    const page = withRows(first, [toRow(F1, [found({ breaches: [lost] })], { ...RUN, date: '2026-02-01' })], order)
    const lines = page.split('\n').filter((line) => line.startsWith('| F'))
    expect(lines.map((line) => line.slice(0, line.indexOf(':')))).toEqual(['| F1', '| F1 servers', '| F2'])
    expect(lines[0]).toContain('| 2026-02-01 | 1 of 60 s | 1,000 | 4 | 5 | 1 | 0 | 0 |')
    expect(lines[2]).toContain('| 2026-01-31 | 1 of 60 s | 1,000 | 4 | 5 | 0 | 0 | 0 |')
    expect(page.startsWith('before\n')).toBe(true)
    expect(page.endsWith('<!-- /campaign -->\nafter\n')).toBe(true)
    expect(withRows(page, [], order)).toBe(page)
  })

  test('without its marks is left alone', () => {
    expect(() => withRows('nothing', [], [])).toThrow('put back <!-- campaign')
  })
})
