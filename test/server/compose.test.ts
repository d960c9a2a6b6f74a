import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { SETTINGS } from '../../server/src/settings.ts'

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url))
const text = readFileSync(path('compose.yaml'), 'utf8')

test('compose.yaml is YAML, as the formatter reads it', () => {
  const formatter = path('node_modules/oxfmt/bin/oxfmt')
  const { status, stderr } = spawnSync(process.execPath, [formatter, '--check', 'compose.yaml'], {
    cwd: path('.'),
    encoding: 'utf8',
  })
  expect({ status, stderr }).toMatchObject({ status: 0 })
})

test('compose.yaml gives the servers settings that there are, and what several servers must share', () => {
  const [, environment = ''] = /^ {2}environment:\n((?: {4}.*\n)+)/m.exec(text) ?? []
  const names = [...environment.matchAll(/^ {4}([A-Z_]+):/gm)].map(([, name]) => name)
  const known = new Set<string | undefined>(Object.values(SETTINGS).map(({ variable }) => variable))
  expect(names.filter((name) => !known.has(name))).toEqual([])
  expect(names).toEqual(expect.arrayContaining(['DATABASE_URL', 'JOTWARD_SECRET', 'JOTWARD_ISSUER']))
})
