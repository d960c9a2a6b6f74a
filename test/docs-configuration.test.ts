import { describe, expect, test } from 'vitest'
import { createAuth } from '../src/auth.ts'
import { memoryStore } from '../src/stores/memory/memory-store.ts'
import { everySetting } from './config-effects/settings.ts'
import { signedIn } from './config-effects/ask.ts'
import { noise } from './core/token/fixtures.ts'
import { codes, readPage, section, tableRows } from './docs-page.ts'

const page = readPage('docs/configuration.md')

/** One setting for all codes stands for each of them. */
const settings = [...new Set(everySetting().map((name) => name.replace(/^errors\.on\..*$/, 'errors.on')))]

const METHODS = '## What an `Auth` does'

/** A table of settings has three columns, of methods it has two. */
const documented = tableRows(page).filter((cells) => cells.length === 3)

describe('docs/configuration.md', () => {
  test('has every setting that there is once, and none besides', () => {
    const named = documented.map(([name]) => codes(name)[0] ?? '')
    expect(named.toSorted()).toEqual(settings.toSorted())
  })

  test('says of each setting what it is by default, and what it is', () => {
    for (const [name, fallback, words] of documented) {
      expect(fallback, `the default of ${name}`).not.toBe('')
      expect(words, `the meaning of ${name}`).not.toBe('')
    }
  })

  test('names nothing that a setting or method of today is not', () => {
    const parts = new Set(settings.map((name) => name.split('.')[0] ?? ''))
    const mentioned = codes(page).filter((code) => /^[a-z]+(?:\.[a-zA-Z]+)+$/i.test(code))
    const known = (code: string): boolean => settings.some((name) => name === code || name.startsWith(`${code}.`))
    const inParts = mentioned.filter(
      (code) => parts.has(code.split('.')[0] ?? '') && !/^(?:cookies|store)\./.test(code),
    )
    expect(inParts.filter((code) => !known(code))).toEqual([])
  })

  test('has every method of an Auth', () => {
    const auth = createAuth({ issuer: 'a', audience: 'a', keys: { secret: noise('docs') }, store: memoryStore() })
    const methods = Object.entries({
      ...auth,
      ...auth.tokens,
      ...auth.cookies,
      ...auth.revoke,
      ...auth.sessions,
      ...auth.tickets,
    })
      .filter(([, member]) => typeof member === 'function')
      .map(([name]) => name)
    const text = section(page, METHODS)
    const missing = methods.filter((name) => !new RegExp(`[\`.]${name}\\b`).test(text))
    // What other entries of the package stand on, and applications have no use for.
    expect(missing.toSorted()).toEqual(['claimsProblem', 'emit'])
  })

  test('has every event that is told', () => {
    const types = [...readPage('src/ports/event-sink.ts').matchAll(/'([a-z]+\.[a-z_]+|failure)'/g)].map(
      ([, type]) => type,
    )
    const told = section(page, '## Events')
    expect(types.length).toBeGreaterThan(15)
    expect(types.filter((type) => !told.includes(`\`${type}\``))).toEqual([])
  })
})

describe('docs/cookies.md', () => {
  test('names the cookies as they are called, and where they go', async () => {
    const { auth, pair } = await signedIn({ delivery: 'cookie' })
    const cookies = auth.cookies.set(pair).map((value) => ({
      name: value.slice(0, value.indexOf('=')),
      path: /Path=([^;]*)/.exec(value)?.[1],
      isForScripts: !value.includes('HttpOnly'),
    }))
    const rows = tableRows(section(readPage('docs/cookies.md'), '## What a browser is given'))
    expect(new Set(rows.map(([, name]) => codes(name)[0]))).toEqual(new Set(cookies.map(({ name }) => name)))
    for (const [, name, goes, scripts] of rows) {
      const cookie = cookies.find((each) => each.name === codes(name)[0])
      expect({ path: codes(goes)[0] ?? '/', isForScripts: scripts === 'yes' }).toEqual({
        path: cookie?.path,
        isForScripts: cookie?.isForScripts,
      })
    }
  })
})
