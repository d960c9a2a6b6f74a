import { readFileSync } from 'node:fs'

/** A page of the documentation, as far as tests read it. */

export const readPage = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')

/** The part of a page below a heading, with what is below headings of lower rank. */
export const section = (page: string, heading: string): string => {
  const rank = /^#+/.exec(heading)?.[0].length ?? 1
  const start = page.indexOf(`\n${heading}\n`)
  if (start < 0) throw new Error(`the page has no heading "${heading}"`)
  const rest = page.slice(start + heading.length + 2)
  const end = rest.search(new RegExp(`^#{1,${rank}} `, 'm'))
  return end < 0 ? rest : rest.slice(0, end)
}

/** The rows of every table, without their heads. */
export const tableRows = (text: string): readonly (readonly string[])[] =>
  text
    .split('\n')
    .map((line, index, lines) => ({ line, next: lines[index + 1] ?? '' }))
    .filter(({ line, next }) => line.startsWith('| ') && !line.startsWith('| ---') && !next.startsWith('| ---'))
    .map(({ line }) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )

/** What stands between backticks. */
export const codes = (cell = ''): readonly string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '')

/** The blocks of code in TypeScript, joined. */
export const codeBlocks = (text: string): string =>
  [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code).join('\n')
