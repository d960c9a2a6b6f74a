import { describe, expect, test } from 'vitest'
import type { TaskMeta } from 'vitest'
import { tabulate } from './conformance-table-rows.ts'
import type { ReportedModule, ReportedSuite, ReportedTask, ReportedTest, Table } from './conformance-table-rows.ts'
import { columnOf, SUITES } from './conformance-table-suites.ts'
import type { Exemption, Suite } from './conformance-table-suites.ts'
import { toMarkdown, toText } from './conformance-table-text.ts'
import { reportOn } from './conformance-table.ts'

/** Recorded tasks: like those of vitest, their methods need the task that they belong to. */
const ran = (name: string, state = 'passed'): ReportedTest => ({
  type: 'test',
  name,
  result() {
    return { state: this.name === name ? state : 'of another test' }
  },
})

const group = (name: string, children: readonly ReportedTask[], meta: TaskMeta = {}): ReportedSuite => ({
  type: 'suite',
  name,
  children,
  meta: () => meta,
})

const column = (name: string, children: readonly ReportedTask[]): ReportedModule => ({
  children: [group(name, children, columnOf('adapters', name).meta)],
})

const suiteOf = (columns: readonly string[], exemptions: readonly Exemption[] = []): Suite => ({
  name: 'Guards',
  columns,
  exemptions,
})

const tableOf = (suite: Suite, ...modules: readonly ReportedModule[]): Table => tabulate('adapters', suite, modules)

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? ''

const TWO = suiteOf(['express', 'koa'])

describe('the conformance table', () => {
  test('has a row for each scenario and a column for each adapter, in the order in which they stand', () => {
    const tokens = group('tokens', [ran('a'), ran('b'), group('of old', [ran('c')])])
    const table = tableOf(TWO, column('koa', [tokens, ran('d')]), column('express', [tokens, ran('d')]))
    expect(table.columns).toEqual(['express', 'koa'])
    expect(table.rows.map((row) => [row.group, row.title, ...row.cells])).toEqual([
      ['tokens', 'a', 'passed', 'passed'],
      ['tokens', 'b', 'passed', 'passed'],
      ['tokens > of old', 'c', 'passed', 'passed'],
      ['', 'd', 'passed', 'passed'],
    ])
    expect(table.faults).toEqual([])
    expect(lastLine(toText(table))).toBe('4 scenarios x 2 adapters: 8 passed, 0 failed, 0 left out, 0 not there')
  })

  test('puts a scenario that only a later adapter has where it stands there', () => {
    const table = tableOf(TWO, column('express', [ran('a'), ran('c')]), column('koa', [ran('a'), ran('b'), ran('c')]))
    expect(table.rows.map(({ title }) => title)).toEqual(['a', 'b', 'c'])
  })

  test('shows what failed, what was left out and what never ran, and adds up each adapter', () => {
    const table = tableOf(
      TWO,
      column('express', [ran('a', 'failed'), ran('b', 'skipped'), ran('c', 'pending')]),
      column('koa', [ran('a'), ran('b'), ran('c')]),
    )
    expect(table.rows.map(({ cells }) => cells[0])).toEqual(['failed', 'left out', 'left out'])
    const lines = toText(table)
      .split('\n')
      .map((line) => line.trim().replaceAll(/\s+/g, ' '))
    expect(lines).toEqual(expect.arrayContaining(['a ✗ ✓', 'b ○ ✓', 'c ○ ✓', '1 express 0 1 2 0', '2 koa 3 0 0 0']))
    expect(lines.at(-1)).toBe('3 scenarios x 2 adapters: 3 passed, 1 failed, 2 left out, 0 not there')
  })

  test('makes a row of each of two scenarios with one title', () => {
    const table = tableOf(
      TWO,
      column('express', [ran('a'), ran('a', 'failed')]),
      column('koa', [ran('a'), ran('a'), ran('a')]),
    )
    expect(table.rows.map(({ title, cells }) => [title, ...cells])).toEqual([
      ['a', 'passed', 'passed'],
      ['a (2)', 'failed', 'passed'],
      ['a (3)', 'not there', 'passed'],
    ])
  })

  test('is made of one suite alone, and of no test beside it', () => {
    const endpoints = group('koa', [ran('of the endpoints')], columnOf('endpoints', 'koa').meta)
    const own = group('Koa', [ran('of the file')])
    const module = { children: [endpoints, own, ran('of nothing'), ...column('koa', [ran('a')]).children] }
    expect(tableOf(suiteOf(['koa']), module).rows.map(({ title }) => title)).toEqual(['a'])
  })

  test('knows a suite within another describe, and one whose parts have inherited its mark', () => {
    const { meta } = columnOf('adapters', 'koa')
    const module = { children: [group('outer', [group('koa', [group('tokens', [ran('a')], meta)], meta)])] }
    expect(tableOf(suiteOf(['koa']), module).rows).toMatchObject([{ group: 'tokens', title: 'a' }])
  })
})

describe('what is not in the conformance table', () => {
  const both = [column('express', [group('wire', [ran('a'), ran('b')])]), column('koa', [group('wire', [ran('a')])])]

  test('is a fault where no reason is given', () => {
    const table = tableOf(TWO, ...both)
    expect(table.rows.map(({ cells }) => cells[1])).toEqual(['passed', 'not there'])
    expect(table.faults).toEqual(['koa lacks 1 without a reason: wire > b'])
    expect(toText(table)).toContain('\nFAULT: koa lacks 1 without a reason: wire > b\n')
    expect(toMarkdown(table)).toContain('\n- FAULT: koa lacks 1 without a reason: wire > b\n')
  })

  test('is listed with its reason where there is one', () => {
    const exemption = { columns: ['koa'], scenarios: 'wire > b', reason: 'has no wire' }
    const table = tableOf(suiteOf(['express', 'koa'], [exemption]), ...both)
    expect(table.faults).toEqual([])
    expect(toText(table)).toContain('\ndoes not concern koa: has no wire ("wire > b…", 1 cells)\n')
    expect(lastLine(toMarkdown(table))).toBe('2 scenarios x 2 adapters: 3 passed, 0 failed, 0 left out, 1 not there')
  })

  test('counts as absent where a test ran that had nothing to do, unless it failed', () => {
    const exemption = { columns: ['koa'], scenarios: 'wire > ', reason: 'has no wire' }
    const idle = column('koa', [group('wire', [ran('a'), ran('b', 'failed')])])
    const table = tableOf(
      suiteOf(['express', 'koa'], [exemption]),
      column('express', [group('wire', [ran('a'), ran('b')])]),
      idle,
    )
    expect(table.rows.map(({ cells }) => cells[1])).toEqual(['not there', 'failed'])
  })

  test('may be a whole adapter, with a reason', () => {
    const exemption = { columns: ['h3'], scenarios: '', reason: 'has no bodies' }
    const table = tableOf(suiteOf(['express', 'h3'], [exemption]), column('express', [ran('a')]))
    expect([table.missing, table.faults]).toEqual([[], []])
    expect(toText(table)).toContain('\ndoes not concern h3: has no bodies (the whole suite, 1 cells)\n')
  })

  test('is a fault where an explanation has become false', () => {
    const ofNothing = { columns: ['koa'], scenarios: 'cookies > ', reason: 'has no cookies' }
    const ofAll = { columns: ['express'], scenarios: '', reason: 'has no bodies' }
    const modules = [column('express', [ran('a')]), column('koa', [ran('a')]), column('hapi', [ran('a')])]
    const table = tableOf(suiteOf(['express', 'koa'], [ofNothing, ofAll]), ...modules)
    expect(table.columns).toEqual(['express', 'koa', 'hapi'])
    expect(table.rows[0]?.cells).toEqual(['passed', 'passed', 'passed'])
    expect(table.faults).toEqual([
      'hapi is not in the list of columns',
      'express ran, though the suite is said not to concern it',
      'nothing is explained by: has no cookies',
      'nothing is explained by: has no bodies',
    ])
  })
})

describe('the report of a run', () => {
  const suites = { adapters: TWO }
  const [express, koa] = [column('express', [ran('a')]), column('koa', [ran('a')])]

  test('is empty where nothing of the suites was asked for', () => {
    expect(reportOn([{ children: [ran('a')] }], false, suites)).toEqual({ text: '', markdown: '', hasFaults: false })
  })

  test('has no table where only some of the adapters were asked for, and says which did not run', () => {
    const { text, markdown, hasFaults } = reportOn([koa], false, suites)
    expect(text).toBe('Guards: no table, for these did not run: express')
    expect([markdown, hasFaults]).toEqual([text, false])
  })

  test('has the table where all of them were asked for, whatever else was not', () => {
    const { text, hasFaults } = reportOn([koa, express], false, suites)
    expect(lastLine(text)).toBe('1 scenarios x 2 adapters: 2 passed, 0 failed, 0 left out, 0 not there')
    expect(hasFaults).toBe(false)
  })

  test('has every table of a run of everything, and takes what did not run for a fault', () => {
    const { text, hasFaults } = reportOn([koa], true, suites)
    expect(text).toContain('\nFAULT: express did not run\n')
    expect(lastLine(text)).toBe('1 scenarios x 2 adapters: 1 passed, 0 failed, 0 left out, 1 not there')
    expect(hasFaults).toBe(true)
    expect(reportOn([], true, suites).hasFaults).toBe(true)
  })

  test('reports a fault in any table that is shown', () => {
    const uneven = column('express', [ran('a'), ran('b')])
    expect(reportOn([koa, uneven], false, suites).hasFaults).toBe(true)
  })
})

describe('the printed table', () => {
  const many = Array.from({ length: 20 }, (_, index) => `adapter number ${index}`)
  const title = `refuses ${'x'.repeat(200)} | <b> __proto__\u200b`
  const modules = many.map((name) => column(name, [group('tokens', [ran(title)])]))
  const table = tableOf(suiteOf(many), ...modules)

  test('fits into 120 columns, with long titles cut', () => {
    const lines = toText(table).split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120)
    expect(lines.find((line) => line.startsWith('  refuses'))).toMatch(/^ {2}refuses x+… {2}✓(?: {2}✓){19}$/)
  })

  test('is written as Markdown in full, with nothing that would be taken for markup or not be seen', () => {
    const row = `| tokens > refuses ${'x'.repeat(200)} \\| \\<b> \\_\\_proto\\_\\_\\<U+200b> |${' ✓ |'.repeat(20)}`
    expect(toMarkdown(table).split('\n')).toContain(row)
    expect(toMarkdown(table)).toContain(`| scenario | ${many.join(' | ')} |`)
  })
})

test('every reason in the list of suites is about a column that is listed', () => {
  for (const { name, columns, exemptions } of Object.values(SUITES)) {
    const named = exemptions.flatMap((exemption) => exemption.columns)
    expect([name, named.filter((one) => !columns.includes(one))]).toEqual([name, []])
    expect([name, new Set(columns).size]).toEqual([name, columns.length])
  }
})
