import { describe, expect, test } from 'vitest'
import { createAuth } from '../src/auth.ts'
import type { AuthConfig } from '../src/auth-config.ts'
import { ConfigError } from '../src/core/errors.ts'
import { memoryStore } from '../src/stores/memory/memory-store.ts'
import { noise } from './core/token/fixtures.ts'
import { everySetting } from './config-effects/settings.ts'

const BASE: AuthConfig = {
  issuer: 'https://api.example.com',
  audience: 'https://orders.example.com',
  keys: { secret: noise('nonsense') },
  store: memoryStore(),
}

const circular: Record<string, unknown> = {}
circular['self'] = circular

/** What JavaScript may hand over where the types forbid it. */
const NONSENSE: readonly unknown[] = [
  null,
  '',
  ' ',
  0,
  -1,
  Number.NaN,
  1n,
  Symbol('nonsense'),
  true,
  [],
  [null],
  {},
  circular,
  () => undefined,
  new Date(0),
  'x'.repeat(100_000),
]

/** The base with a value at a path like `cookies.names.access`. */
const withValue = (path: string, value: unknown): unknown => {
  const [first = '', ...rest] = path.split('.')
  const nested = rest.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value)
  return { ...BASE, [first]: rest.length === 0 ? value : nested }
}

/** What becomes of a configuration: it stands, or it is refused as one. */
const outcomeOf = (config: unknown): string => {
  try {
    createAuth(config as AuthConfig)
    return 'stands'
  } catch (error) {
    return error instanceof ConfigError ? 'refused' : `threw ${String(error)}`
  }
}

describe('a setting that no type would allow', () => {
  test.each(everySetting())('%s is refused as a setting, or stands, and nothing else happens', (path) => {
    for (const value of NONSENSE) expect(['stands', 'refused']).toContain(outcomeOf(withValue(path, value)))
  })
})
