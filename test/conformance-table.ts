/**
 * A reporter for vitest: at the end of a run it prints what the conformance suites have shown, a row for each scenario
 * and a column for each adapter, and writes the same to `test/.results/conformance.md`. What is not there has to be
 * explained in conformance-table-suites.ts; what is not explained fails the run.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Reporter, Vitest } from 'vitest/node'
import { tabulate } from './conformance-table-rows.ts'
import type { ReportedModule, Table } from './conformance-table-rows.ts'
import { SUITES } from './conformance-table-suites.ts'
import type { Suite, SuiteName } from './conformance-table-suites.ts'
import { toMarkdown, toText } from './conformance-table-text.ts'

export interface Report {
  /** Empty where a run had nothing to do with the suites. */
  readonly text: string
  readonly markdown: string
  readonly hasFaults: boolean
}

/** A table with half of its columns would look like one with gaps. */
const partial = ({ name, missing }: Table): string => `${name}: no table, for these did not run: ${missing.join(' · ')}`

/**
 * What is to be printed and written after a run. A run of everything shows every table, and what did not run is a fault;
 * otherwise a table is shown where all of its columns ran.
 */
export const reportOn = (
  modules: readonly ReportedModule[],
  isRunOfEverything: boolean,
  suites: Partial<Readonly<Record<SuiteName, Suite>>> = SUITES,
): Report => {
  // The keys of a record are what its type says: it is written out in full.
  const names = Object.entries(suites) as [SuiteName, Suite][]
  const tables = names.map(([name, suite]) => tabulate(name, suite, modules))
  const touched = tables.filter(({ rows }) => isRunOfEverything || rows.length > 0)
  const isShown = ({ missing }: Table): boolean => isRunOfEverything || missing.length === 0
  const render = (write: (table: Table) => string): string =>
    touched.map((table) => (isShown(table) ? write(table) : partial(table))).join('\n\n')
  return {
    text: render(toText),
    markdown: render(toMarkdown),
    hasFaults: touched.some((table) => isShown(table) && table.faults.length > 0),
  }
}

/** Vitest makes reporters with `new`, so this one is no arrow; what it returns takes the place of what was made. */
// oxlint-disable-next-line import/no-default-export -- vitest takes a reporter from nowhere else
export default function conformanceTable(): Reporter {
  let vitest: Vitest | null = null
  return {
    onInit: (started) => {
      vitest = started
    },
    onTestRunEnd: (modules) => {
      // scripts/test.mjs knows whether it was asked for everything.
      const { text, markdown, hasFaults } = reportOn(modules, process.env['TEST_RUN'] === 'everything')
      if (vitest === null || text === '') return
      vitest.logger.log(`\n${text}\n`)
      const folder = join(vitest.config.root, 'test', '.results')
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'conformance.md'), `# Conformance\n\n${markdown}\n`)
      if (hasFaults) process.exitCode = 1
    },
  }
}
