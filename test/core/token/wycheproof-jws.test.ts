import { expect, test } from 'vitest'
import { importJwks } from '../../../src/core/token/jwks.ts'
import { createKeySet } from '../../../src/core/token/key-set.ts'
import type { KeySet } from '../../../src/core/token/key-set.ts'
import { verifyJws } from '../../../src/core/token/jws.ts'
import { describeVectors, readVectors } from '../../vectors.ts'
import { detailOf, hmacKey, keySetOf } from './fixtures.ts'

interface Case {
  readonly tcId: number
  readonly comment: string
  readonly result: 'valid' | 'invalid'
  readonly jws?: unknown
  readonly jwe?: unknown
}

interface Group {
  readonly private?: object
  readonly public?: object
  readonly tests: readonly Case[]
}

type Errata = Record<string, Record<string, { readonly corrected?: string }>>

const groupsOf = (file: string): readonly Group[] =>
  (readVectors(`wycheproof/${file}`) as { testGroups: Group[] }).testGroups

const erratum = (file: string, tcId: number): string | undefined => {
  const errata = (readVectors('wycheproof/errata.json') as Errata)[file] ?? {}
  return Object.entries(errata).find(([ids]) => ids.split(',').includes(String(tcId)))?.[1].corrected
}

/** The keys of a group: the public ones, except where a set may hold secrets; null where the import refuses them. */
const keysOf = ({ public: published, private: own }: Group): KeySet | null => {
  const document = published ?? own ?? {}
  const jwks = 'keys' in document ? document : { keys: [document] }
  const allSecret = JSON.stringify(jwks).match(/"kty":"(?!oct)/) === null
  const imported = importJwks(jwks, { allowSymmetric: allSecret })
  const set = 'keys' in imported ? createKeySet(imported.keys) : null
  return set !== null && 'keySet' in set ? set.keySet : null
}

const PAYLOAD_ALONE = 'the payload is not a JSON object'

/** Whether a signature holds. Nearly all payloads here are plain text, which is refused right after that. */
const holds = (token: unknown, keySet: KeySet | null): boolean => {
  if (keySet === null) return false
  return ['accepted', PAYLOAD_ALONE].includes(detailOf(() => verifyJws(token, keySet)))
}

const summary = (cases: readonly { readonly tcId: number }[]): number[] => cases.map(({ tcId }) => tcId)

describeVectors('Wycheproof JSON Web Signature', () => {
  const FILE = 'json_web_signature_test.json'
  const judged = groupsOf(FILE).flatMap((group) => {
    const keySet = keysOf(group)
    return group.tests.map((one) => ({
      ...one,
      holds: holds(one.jws, keySet),
      result: erratum(FILE, one.tcId) ?? one.result,
    }))
  })

  test('has all of its cases', () => expect(judged).toHaveLength(401))

  test('no invalid token is accepted', () => {
    const invalid = judged.filter(({ result }) => result === 'invalid')
    expect(invalid).toHaveLength(355)
    expect(summary(invalid.filter((one) => one.holds))).toEqual([])
  })

  test('every valid one is, but those without a payload, which are no JWT', () => {
    const valid = judged.filter(({ result }) => result === 'valid')
    expect(valid).toHaveLength(42)
    expect(summary(valid.filter((one) => !one.holds))).toEqual([259, 264, 268, 272, 320, 325])
  })

  test('a key bound to another algorithm, or to one that does not exist, verifies nothing', () => {
    const either = judged.filter(({ result }) => result === 'either')
    expect(summary(either)).toEqual([346, 347, 350, 351])
    expect(either.some((one) => one.holds)).toBe(false)
  })

  test('none is a JSON Web Token with claims', () => {
    const accepted = groupsOf(FILE).flatMap((group) => {
      const keySet = keysOf(group)
      if (keySet === null) return []
      return group.tests.filter(({ jws }) => detailOf(() => verifyJws(jws, keySet)) === 'accepted')
    })
    expect(summary(accepted)).toEqual([])
  })
})

describeVectors('Wycheproof JSON Web Key', () => {
  const judged = groupsOf('json_web_key_test.json').flatMap((group) =>
    group.tests.map((one) => ({ ...one, holds: holds(one.jws, keysOf(group)) })),
  )

  test('every flawed, ambiguous or misused key is refused, ROCA and exponent 1 included (N030, N031, N037)', () => {
    const invalid = judged.filter(({ result }) => result === 'invalid')
    expect(invalid).toHaveLength(21)
    expect(summary(invalid.filter((one) => one.holds))).toEqual([])
  })

  test('every sound key verifies', () => {
    const valid = judged.filter(({ result }) => result === 'valid')
    expect(valid).toHaveLength(5)
    expect(summary(valid.filter((one) => !one.holds))).toEqual([])
  })
})

describeVectors('Wycheproof JSON Web Crypto', () => {
  const judged = groupsOf('json_web_crypto_test.json').flatMap((group) =>
    group.tests.map((one) => ({ ...one, holds: holds(one.jws ?? one.jwe, keysOf(group)) })),
  )

  test('only valid signatures hold', () => {
    expect(judged).toHaveLength(83)
    expect(summary(judged.filter((one) => one.holds))).toEqual([1, 18, 33, 48])
    expect(summary(judged.filter(({ result, jws }) => result === 'valid' && jws !== undefined))).toEqual([
      1, 18, 33, 48,
    ])
  })
})

describeVectors('Wycheproof JSON Web Encryption', () => {
  const groups = groupsOf('json_web_encryption_test.json')

  test('no JWE is ever taken for a JWS, by its own key or another (N015, N016)', () => {
    const cases = groups.flatMap((group) =>
      group.tests.map((one) => ({ ...one, keys: keysOf(group) ?? keySetOf(hmacKey()) })),
    )
    expect(cases).toHaveLength(139)
    expect(summary(cases.filter(({ jwe, keys }) => holds(jwe, keys)))).toEqual([])
    expect(summary(cases.filter(({ jwe, keys }) => holds(JSON.stringify(jwe), keys)))).toEqual([])
  })
})
