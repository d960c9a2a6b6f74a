import { createAuth } from '../../src/auth.ts'
import type { AuthConfig } from '../../src/auth-config.ts'
import { ConfigError } from '../../src/core/errors.ts'
import { generateJwk } from '../../src/core/token/generate-key.ts'
import { memoryStore } from '../../src/stores/memory/memory-store.ts'
import { noise } from '../core/token/fixtures.ts'

/**
 * Every setting that `createAuth` knows, found out by asking: each reader answers a name that it does not know with all
 * that it does. A setting that is added to a reader is in this list from then on, whoever forgot what else.
 */

const SECRET = { secret: noise('settings') }

const BASE: AuthConfig = { issuer: 'https://a.example', audience: 'a', keys: SECRET, store: memoryStore() }

/** Longer than any name that a reader would take for a misspelt one, so that it answers with its list. */
const PROBE = 'x'.repeat(65)

const LISTING = 'is not a setting; the settings are '

/** A part has to look like what it is before its names are read. */
const SHAPES: Readonly<Record<string, readonly object[]>> = {
  keys: [SECRET, { current: generateJwk('EdDSA') }],
}

const nest = (path: readonly string[], leaf: object): object =>
  path.reduceRight<object>((inner, name) => ({ [name]: inner }), leaf)

/** The names that are known at a path, or none where it is no part but a setting. */
const namesAt = (path: readonly string[], shape: object): readonly string[] => {
  try {
    createAuth({ ...BASE, ...nest(path, { ...shape, [PROBE]: 1 }) })
  } catch (error) {
    // What is no part at all may be refused in any words; that it is refused well is for other tests.
    if (!(error instanceof ConfigError)) return []
    const wanted = [...path, PROBE].join('.')
    const listing = error.problems.find((each) => each.path === wanted && each.problem.startsWith(LISTING))
    return listing?.problem.slice(LISTING.length).split(', ') ?? []
  }
  return []
}

const settingsBelow = (path: readonly string[]): readonly string[] => {
  const shapes = SHAPES[path.join('.')] ?? [{}]
  const names = shapes.flatMap((shape) => namesAt(path, shape))
  return names.length === 0 ? [path.join('.')] : names.flatMap((name) => settingsBelow([...path, name]))
}

export const everySetting = (): readonly string[] => settingsBelow([])
