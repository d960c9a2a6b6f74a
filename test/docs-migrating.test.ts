import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { SETTINGS } from '../server/src/settings.ts'
import { everySetting } from './config-effects/settings.ts'
import { APO_JWT, ESMERALD, FASTAPI_JWT_AUTH, FLASK_JWT_EXTENDED, ROWS, TUTORIAL } from './docs-migrating-names.ts'
import { codeBlocks, codes, readPage, section, tableRows } from './docs-page.ts'

const page = readPage('docs/migrating.md')

const rowsOf = (heading: string) => tableRows(section(page, heading)).filter(([first]) => /^S\d-\d+$/.test(first ?? ''))

/** Whether a text has a row's number, and not only one that begins alike. */
const hasId = (text: string, id: string): boolean => new RegExp(`${id}(?![0-9])`).test(text)

describe.each(ROWS)('docs/migrating.md on $system', ({ system, ids }) => {
  const rows = rowsOf(`## ${system}`)

  test('has every row of the feature table once, in order', () => {
    expect(rows.map(([id]) => id)).toEqual(ids)
  })

  test.each(rows)('%s says what was there, what to write and what proves it', (id = '', ...cells) => {
    const [there, here, , proof] = cells
    expect(cells).toHaveLength(4)
    expect([there, here].map((cell) => cell !== '')).toEqual([true, true])
    const files = codes(proof)
    expect(files.length > 0 || proof === 'none yet', `${id} names a test, or none yet`).toBe(true)
    for (const file of files) {
      expect(existsSync(new URL(`../${file}`, import.meta.url)), `${file} exists`).toBe(true)
      expect(hasId(readPage(file), id), `${file} has ${id} in a title`).toBe(true)
    }
  })

  test('has code for every row, or says where there is some, or that it is missing', () => {
    const code = codeBlocks(section(page, `## ${system}`))
    const without = rows.filter(([id = '', , here = '']) => !hasId(code, id) && !/missing|\.md\)/.test(here))
    expect(without.map(([id]) => id)).toEqual([])
  })
})

/** What a setting is by default, as the reference has it. */
const DEFAULTS = new Map(
  tableRows(readPage('docs/configuration.md'))
    .filter((cells) => cells.length === 3)
    .map(([name, fallback]) => [codes(name)[0] ?? '', fallback ?? '']),
)

const SERVER = new Map<string, string>(
  Object.values(SETTINGS).map(({ variable, fallback }) => [variable, fallback === null ? 'none' : `\`${fallback}\``]),
)

const known = new Set(everySetting().map((name) => name.replace(/^errors\.on\..*$/, 'errors.on')))

describe.each([
  { heading: '### Arguments of ApoJWT', names: APO_JWT },
  { heading: '### Members of JWTConfig', names: ESMERALD },
  { heading: '### Settings of fastapi-jwt-auth', names: FASTAPI_JWT_AUTH },
  { heading: '### Settings of Flask-JWT-Extended', names: FLASK_JWT_EXTENDED },
  { heading: '### Environment of the tutorial', names: TUTORIAL },
])('docs/migrating.md, $heading', ({ heading, names }) => {
  const rows = tableRows(section(page, heading))

  test('has every old name once', () => {
    expect(rows.map(([there]) => codes(there)[0] ?? '').toSorted()).toEqual(names.toSorted())
  })

  test.each(rows)('%s leads to settings that there are, or says why there is none', (_there, before, ...cells) => {
    const [here = '', fallback, words] = cells
    expect(before).not.toBe('')
    const settings = codes(here)
    for (const setting of settings) expect(known.has(setting) || SERVER.has(setting), `${setting} is there`).toBe(true)
    expect(settings.length > 0 || (here === 'none' && words !== ''), 'a setting, or the reason for none').toBe(true)
    const defaults = settings.map((setting) => DEFAULTS.get(setting) ?? SERVER.get(setting) ?? '')
    // Alike ones are written once.
    expect(fallback).toBe([...new Set(defaults)].join(', '))
  })
})

test('the names of Esmerald are sixteen', () => {
  expect(ESMERALD).toHaveLength(16)
})
