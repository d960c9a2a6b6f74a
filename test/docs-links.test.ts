import { existsSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { readPage } from './docs-page.ts'

const root = new URL('../', import.meta.url)

const PAGES = ['README.md', ...readdirSync(new URL('docs/', root)).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
)

/** Where links of a page lead within the repository, and the heading that they name. */
const linksOf = (page: string) =>
  [...readPage(page).matchAll(/\]\((?!https?:|mailto:)([^)#]*)(?:#([^)]*))?\)/g)].map(
    ([, path = '', heading = '']) => ({
      path: path === '' ? page : `${dirname(page)}/${path}`,
      heading,
    }),
  )

/** As pages are shown, a heading is linked to by its words. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')

const hasHeading = (path: string, heading: string): boolean =>
  [...readPage(path).matchAll(/^#+ (.*)$/gm)].some(([, words = '']) => anchorOf(words) === heading)

test.each(PAGES)('%s links to what is there', (page) => {
  const lost = linksOf(page).filter(
    ({ path, heading }) => !existsSync(new URL(path, root)) || (heading !== '' && !hasHeading(path, heading)),
  )
  expect(lost).toEqual([])
})

test('every page is linked to from README.md, or from a page that is', () => {
  const linked = new Set(['README.md'])
  // A set's iteration also visits what is added on the way.
  for (const page of linked) {
    for (const { path } of linksOf(page)) {
      const name = new URL(path, 'file:///').pathname.slice(1)
      if (PAGES.includes(name)) linked.add(name)
    }
  }
  expect(PAGES.filter((page) => !linked.has(page))).toEqual([])
})
