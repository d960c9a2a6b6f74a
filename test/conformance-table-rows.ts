import type { TaskMeta } from 'vitest'
import type { Exemption, Suite, SuiteName } from './conformance-table-suites.ts'

export type Cell = 'passed' | 'failed' | 'left out' | 'not there'

/** A test as vitest reports it. */
export interface ReportedTest {
  readonly type: 'test'
  readonly name: string
  result(): { readonly state: string }
}

/** A `describe` as vitest reports it. */
export interface ReportedSuite {
  readonly type: 'suite'
  readonly name: string
  meta(): TaskMeta
  readonly children: Iterable<ReportedTask>
}

export type ReportedTask = ReportedTest | ReportedSuite

/** A test file as vitest reports it. */
export interface ReportedModule {
  readonly children: Iterable<ReportedTask>
}

export interface Row {
  /** The titles of what stands around the scenario, joined. */
  readonly group: string
  readonly title: string
  /** One for each column. */
  readonly cells: readonly Cell[]
}

export interface Table {
  readonly name: string
  readonly columns: readonly string[]
  readonly rows: readonly Row[]
  /** With the number of cells that each explains. */
  readonly exemptions: readonly (Exemption & { readonly count: number })[]
  /** Columns of which no test was run, though the suite has to do with them. */
  readonly missing: readonly string[]
  /** What keeps the table from saying everything: each has to be put right. */
  readonly faults: readonly string[]
}

/** Results by `group > title` in the order in which they were registered. */
type Column = Map<string, Omit<Row, 'cells'> & { readonly cell: Cell }>

export const labelOf = ({ group, title }: Pick<Row, 'group' | 'title'>): string =>
  group === '' ? title : `${group} > ${title}`

/** A test that was collected and never ran has neither passed nor failed. */
const cellOf = (test: ReportedTest): Cell => {
  const { state } = test.result()
  return state === 'passed' || state === 'failed' ? state : 'left out'
}

/** Two scenarios of one title are two rows: what comes later is numbered. */
const add = (column: Column, group: string, test: ReportedTest): void => {
  let title = test.name
  for (let count = 2; column.has(labelOf({ group, title })); count++) title = `${test.name} (${count})`
  column.set(labelOf({ group, title }), { group, title, cell: cellOf(test) })
}

const fill = (column: Column, tasks: Iterable<ReportedTask>, around: readonly string[] = []): void => {
  for (const task of tasks) {
    if (task.type === 'test') add(column, around.join(' > '), task)
    else fill(column, task.children, [...around, task.name])
  }
}

const collect = (columns: Map<string, Column>, name: SuiteName, tasks: Iterable<ReportedTask>): void => {
  for (const task of tasks) {
    if (task.type === 'test') continue
    const mark = task.meta().conformance
    if (mark === undefined) collect(columns, name, task.children)
    // What lies within a marked suite has inherited the mark, and belongs to the same column.
    else if (mark.suite === name) {
      const column = columns.get(mark.column) ?? new Map()
      columns.set(mark.column, column)
      fill(column, task.children)
    }
  }
}

/** Every scenario that any column has, each behind the one that it follows there. */
const orderOf = (columns: Iterable<Column>): readonly Omit<Row, 'cells'>[] => {
  const labels: string[] = []
  const known = new Map<string, Omit<Row, 'cells'>>()
  for (const column of columns) {
    let place = 0
    for (const [label, { group, title }] of column) {
      if (!known.has(label)) labels.splice(place, 0, label)
      known.set(label, { group, title })
      place = labels.indexOf(label) + 1
    }
  }
  return labels.flatMap((label) => known.get(label) ?? [])
}

const isAbout = ({ columns, scenarios }: Exemption, column: string, label: string): boolean =>
  columns.includes(column) && label.startsWith(scenarios)

const isOfAll = ({ scenarios }: Exemption): boolean => scenarios === ''

/** The columns that the suite as a whole does not concern. */
const sparedBy = ({ exemptions }: Suite): readonly string[] =>
  exemptions.filter(isOfAll).flatMap(({ columns }) => columns)

/** A test with nothing to do passes, and is shown as not there; a failure is never hidden, nor a column that ran. */
const shown = ({ exemptions }: Suite, column: string, label: string, cell: Cell = 'not there'): Cell => {
  const isIdle = exemptions.some((exemption) => !isOfAll(exemption) && isAbout(exemption, column, label))
  return isIdle && cell !== 'failed' ? 'not there' : cell
}

/** The columns that lack something, each with the labels of what it lacks and nothing explains. */
const holesOf = ({ exemptions }: Suite, { columns, rows }: Pick<Table, 'columns' | 'rows'>) =>
  columns.map((column, index): [column: string, labels: readonly string[]] => [
    column,
    rows
      .filter(({ cells }) => cells[index] === 'not there')
      .map(labelOf)
      .filter((label) => !exemptions.some((exemption) => isAbout(exemption, column, label))),
  ])

const countOf = (exemption: Exemption, columns: readonly string[], rows: readonly Row[]): number =>
  rows.flatMap((row) =>
    row.cells.filter((cell, index) => cell === 'not there' && isAbout(exemption, columns[index] ?? '', labelOf(row))),
  ).length

const faultsOf = (suite: Suite, table: Omit<Table, 'faults'>, ran: ReadonlyMap<string, Column>): readonly string[] => {
  const { columns, missing, exemptions } = table
  return [
    ...missing.map((column) => `${column} did not run`),
    ...columns
      .filter((column) => !suite.columns.includes(column))
      .map((column) => `${column} is not in the list of columns`),
    ...sparedBy(suite)
      .filter((column) => ran.has(column))
      .map((column) => `${column} ran, though the suite is said not to concern it`),
    ...exemptions.filter(({ count }) => count === 0).map(({ reason }) => `nothing is explained by: ${reason}`),
    ...holesOf(suite, table)
      .filter(([column, labels]) => labels.length > 0 && !missing.includes(column))
      .map(([column, labels]) => `${column} lacks ${labels.length} without a reason: ${labels.join(' · ')}`),
  ]
}

/** The table of a suite, made of everything that a run has reported. */
export const tabulate = (name: SuiteName, suite: Suite, modules: Iterable<ReportedModule>): Table => {
  const ran = new Map<string, Column>()
  for (const { children } of modules) collect(ran, name, children)
  const columns = [...new Set([...suite.columns, ...ran.keys()])]
  const rows = orderOf(columns.flatMap((column) => ran.get(column) ?? [])).map((row) => {
    const label = labelOf(row)
    return { ...row, cells: columns.map((column) => shown(suite, column, label, ran.get(column)?.get(label)?.cell)) }
  })
  const spared = sparedBy(suite)
  const table = {
    name: suite.name,
    columns,
    rows,
    exemptions: suite.exemptions.map((exemption) => ({ ...exemption, count: countOf(exemption, columns, rows) })),
    missing: columns.filter((column) => !ran.has(column) && !spared.includes(column)),
  }
  return { ...table, faults: faultsOf(suite, table, ran) }
}
