import type { CampaignRow } from './campaign-row.ts'

/** The table of the campaign in docs/reliability.md, between two marks. Rows of faults that were not run stay. */

const BEGIN = '<!-- campaign: written by npm run test:faults -->'
const END = '<!-- /campaign -->'

const HEAD = [
  '| fault | permitted | date | rounds | operations | faults | revocations | lost | false logouts | forks | measured |',
  '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
]

const words = (value: number): string => value.toLocaleString('en-US')

const measured = ({ measures, unanswered }: CampaignRow): string =>
  [
    `503 or no answer: ${words(unanswered)}`,
    ...measures.map(({ name, value, unit, limit }) => {
      const bound = limit === null ? '' : ` (limit ${words(limit)})`
      return `${name}: ${words(value)}${unit === '' ? '' : ` ${unit}`}${bound}`
    }),
  ].join('; ')

const lineOf = (row: CampaignRow): string => {
  const { breaches } = row
  const lost = (breaches.revoked_accepted ?? 0) + (breaches.revoked_refreshed ?? 0)
  const expired =
    breaches.expired_accepted === undefined ? '' : `; expired tokens accepted: ${breaches.expired_accepted}`
  const cells = [
    `${row.fault}: ${row.title}`,
    row.permitted,
    row.date,
    `${row.rounds} of ${row.seconds} s`,
    words(row.operations),
    words(row.incidents),
    words(row.revocations),
    words(lost),
    words((breaches.false_logout ?? 0) + (breaches.false_refusal ?? 0)),
    words(breaches.forked ?? 0),
    `${measured(row)}${expired}`,
  ]
  return `| ${cells.join(' | ')} |`
}

const nameOf = (line: string): string => /^\| ([^:|]+):/.exec(line)?.[1] ?? ''

/**
 * The page with the rows of this run in place of those of the same faults.
 *
 * @param order the names of all faults, which is the order of the rows
 * @throws Error where the page has lost its marks
 */
export const withRows = (page: string, rows: readonly CampaignRow[], order: readonly string[]): string => {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`the page lacks its marks; put back ${BEGIN} and ${END}`)
  const old = page
    .slice(from, to)
    .split('\n')
    .filter((line) => nameOf(line) !== '')
  const lines = new Map(old.map((line) => [nameOf(line), line]))
  for (const row of rows) lines.set(row.fault, lineOf(row))
  const body = order.flatMap((name) => lines.get(name) ?? [])
  return `${page.slice(0, from)}${[BEGIN, '', ...HEAD, ...body, ''].join('\n')}\n${page.slice(to)}`
}
