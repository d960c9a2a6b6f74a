import { labelOf } from './conformance-table-rows.ts'
import type { Cell, Table } from './conformance-table-rows.ts'

const WIDTH = 120
/** Columns are headed by their number, so that a scenario has its title beside dozens of them. */
const COLUMN_WIDTH = 3
const SHORTEST_TITLE = 30

const CELLS = ['passed', 'failed', 'left out', 'not there'] as const satisfies readonly Cell[]

const SIGNS: Readonly<Record<Cell, string>> = { passed: '✓', failed: '✗', 'left out': '○', 'not there': '-' }

const KEY = CELLS.map((cell) => `${SIGNS[cell]} ${cell}`).join('   ')

const countIn = (cells: readonly (Cell | undefined)[], wanted: Cell): number =>
  cells.filter((cell) => cell === wanted).length

/** The closing line of a table. */
const totalOf = ({ columns, rows }: Table): string => {
  const cells = rows.flatMap((row) => row.cells)
  const sums = CELLS.map((cell) => `${countIn(cells, cell)} ${cell}`).join(', ')
  return `${rows.length} scenarios x ${columns.length} adapters: ${sums}`
}

/** What the table does not say by itself: reasons first, faults last. */
const remarksOf = ({ exemptions, faults }: Table): readonly string[] => [
  ...exemptions.map(
    ({ columns, scenarios, reason, count }) =>
      `does not concern ${columns.join(' · ')}: ${reason} (${scenarios === '' ? 'the whole suite' : `"${scenarios}…"`}, ${count} cells)`,
  ),
  ...faults.map((fault) => `FAULT: ${fault}`),
]

/** Titles quote what is sent, which may be nothing that one can see. */
const visible = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (character) => `<U+${character.codePointAt(0)?.toString(16).padStart(4, '0')}>`)

const cut = (text: string, width: number): string => (text.length > width ? `${text.slice(0, width - 1)}…` : text)

/** Words of their own length, in lines that are no longer than the table. */
const fold = (words: readonly string[], gap: string): readonly string[] => {
  const lines: string[] = []
  for (const word of words) {
    const line = lines.at(-1)
    if (line === undefined || line.length + gap.length + word.length > WIDTH) lines.push(word)
    else lines[lines.length - 1] = `${line}${gap}${word}`
  }
  return lines
}

const inColumns = (texts: readonly (string | number)[]): string =>
  texts.map((text) => String(text).padStart(COLUMN_WIDTH)).join('')

const sumsOf = ({ columns, rows }: Table): readonly string[] => {
  const longest = Math.max(...columns.map((column) => column.length))
  const heads = CELLS.map((cell) => cell.padStart(11)).join('')
  const lines = columns.map((column, index) => {
    const cells = rows.map((row) => row.cells[index])
    const sums = CELLS.map((cell) => String(countIn(cells, cell)).padStart(11)).join('')
    return `${inColumns([index + 1])} ${column.padEnd(longest)}${sums}`
  })
  return [`${' '.repeat(COLUMN_WIDTH + 1 + longest)}${heads}`, ...lines]
}

/** The table for a terminal of 120 columns, with titles cut to fit. */
export const toText = (table: Table): string => {
  const { name, columns, rows } = table
  const titleWidth = Math.max(SHORTEST_TITLE, WIDTH - columns.length * COLUMN_WIDTH)
  const numbers = columns.map((_column, index) => index + 1)
  const body = rows.flatMap(({ group, title, cells }, index) => [
    ...(group === rows[index - 1]?.group ? [] : [cut(visible(group), WIDTH)]),
    `${cut(`  ${visible(title)}`, titleWidth).padEnd(titleWidth)}${inColumns(cells.map((cell) => SIGNS[cell]))}`,
  ])
  const legend = fold(
    columns.map((column, index) => `${index + 1} ${column}`),
    ' · ',
  )
  return [
    name,
    '',
    ...legend,
    KEY,
    '',
    `${' '.repeat(titleWidth)}${inColumns(numbers)}`,
    ...body,
    '',
    ...sumsOf(table),
    '',
    ...remarksOf(table).flatMap((remark) => fold(remark.split(' '), ' ')),
    totalOf(table),
  ].join('\n')
}

const inMarkdown = (text: string): string => visible(text).replaceAll(/[\\|<`*_]/g, '\\$&')

const rowInMarkdown = (cells: readonly string[]): string => `| ${cells.map(inMarkdown).join(' | ')} |`

/** The table as Markdown, with every title and every name in full. */
export const toMarkdown = (table: Table): string => {
  const { name, columns, rows } = table
  return [
    `## ${inMarkdown(name)}`,
    '',
    KEY,
    '',
    rowInMarkdown(['scenario', ...columns]),
    `|---|${columns.map(() => ':-:|').join('')}`,
    ...rows.map((row) => rowInMarkdown([labelOf(row), ...row.cells.map((cell) => SIGNS[cell])])),
    '',
    ...remarksOf(table).map((remark) => `- ${inMarkdown(remark)}`),
    '',
    totalOf(table),
    '',
  ].join('\n')
}
