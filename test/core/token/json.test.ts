import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isJsonObject, parseStrictJson } from '../../../src/core/token/json.ts'
import { describeVectors, readVectors } from '../../vectors.ts'

const parse = (text: string | Uint8Array, maxDepth = 32): unknown =>
  parseStrictJson(Buffer.from(text as string), { maxDepth })

test.each([
  ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
  ['a lone continuation byte', [0x22, 0x80, 0x22]],
  ['a surrogate in UTF-8', [0x22, 0xed, 0xa0, 0x80, 0x22]],
  ['beyond U+10FFFF', [0x22, 0xf4, 0xbf, 0xbf, 0xbf, 0x22]],
  ['a truncated sequence', [0x22, 0xe2, 0x82, 0x22]],
  ['Latin-1', [0x22, 0xe9, 0x22]],
  ['a byte order mark', [0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
  ['UTF-16', [0xff, 0xfe, 0x7b, 0, 0x7d, 0]],
  ['UTF-16 without a mark', [0x7b, 0, 0x7d, 0]],
])('refuses %s (N007)', (_what, bytes) => {
  expect(parse(Uint8Array.from(bytes))).toBeUndefined()
})

test.each([
  '',
  ' ',
  '{',
  '{}x',
  '{}{}',
  '{"a":1,}',
  '{a:1}',
  "{'a':1}",
  '/**/{}',
  '{}//',
  'NaN',
  '[Infinity]',
  '01',
  '"',
  '{"a":"',
  '\u00a0{}',
  '{}\0',
])('refuses malformed JSON: %j (N009)', (text) => {
  expect(parse(text)).toBeUndefined()
})

test.each([
  '{"a":1,"a":1}',
  '{"a":1,"b":2,"a":3}',
  String.raw`{"a":1,"\u0061":2}`,
  String.raw`{"\u0061":1,"\u0061":2}`,
  String.raw`{"é":1,"\u00e9":2}`,
  '{"":1,"":2}',
  '{"x":{"a":1,"a":2}}',
  '[[{"a":[],"a":[]}]]',
  '{"a":{"b":1,"c":2},"a":{}}',
  '{"__proto__":1,"__proto__":2}',
  String.raw`{"\"":1,"\"":2}`,
  String.raw`{"\\":1,"\\":2}`,
])('refuses a member name given twice: %s (N010)', (text) => {
  expect(parse(text)).toBeUndefined()
})

test.each([
  '{"a":1,"A":1,"á":1}',
  '{"a":{"a":{"a":1}}}',
  '[{"a":1},{"a":1}]',
  '{"a":"b:c,\\"a\\":1"}',
  String.raw`{"a\\":1,"a\"":2,"a":":"}`,
  String.raw`["\\\\",":",{"\\\\\"":"\\"}]`,
  '{"1":1,"01":2,"1.0":3}',
  '{"\u00e9":1,"e\u0301":2}',
])('takes names that only look alike for different: %s', (text) => {
  expect(parse(text)).toEqual(JSON.parse(text))
})

test('makes __proto__ an own member like any other, and pollutes nothing (N011)', () => {
  const value = parse('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}')
  expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor'])
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  expect((value as { admin?: boolean }).admin).toBeUndefined()
  expect(({} as { admin?: boolean }).admin).toBeUndefined()
})

const nested = (depth: number): string => '[{"a":'.repeat(depth / 2) + '1' + '}]'.repeat(depth / 2)

test('counts objects and arrays alike towards the depth, and refuses one too many (N012)', () => {
  expect(parse(nested(32))).toEqual(JSON.parse(nested(32)))
  expect(parse(nested(34))).toBeUndefined()
  expect(parse('[]', 0)).toBeUndefined()
  expect(parse('1', 0)).toBe(1)
  expect(parse('[[],[],[[]]]', 3)).toEqual([[], [], [[]]])
})

test('survives a million opening brackets (N012)', () => {
  expect(parse('['.repeat(1_000_000))).toBeUndefined()
  expect(parse('{"a":'.repeat(200_000))).toBeUndefined()
})

test('takes time in proportion to the text, also for runs of backslashes and quotes', () => {
  const text = JSON.stringify('\\"'.repeat(500_000))
  const started = performance.now()
  expect(parse(text)).toBe('\\"'.repeat(500_000))
  expect(performance.now() - started).toBeLessThan(2000)
})

test('takes brackets and colons in strings for text', () => {
  expect(parse('["{[:[{", ":"]', 1)).toEqual(['{[:[{', ':'])
})

test('accepts what JSON.parse accepts, short of double names and depth', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 1, '\t'), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      expect(parse(text)).toEqual(JSON.parse(text))
    }),
    { numRuns: 500 },
  )
})

const writeName = (name: string, escaped: boolean): string =>
  escaped ? `"\\u00${name.charCodeAt(0).toString(16)}"` : JSON.stringify(name)

const parsePlain = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

test('refuses a text exactly where one of its objects has two members of one name', () => {
  type Node =
    | string
    | readonly Node[]
    | { readonly members: readonly (readonly [name: string, escaped: boolean, Node])[] }
  const { tree } = fc.letrec<{ tree: Node }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constantFrom(':', '{"a":1,"a":1}', '\\', '"'),
      fc.record({
        members: fc.array(fc.tuple(fc.constantFrom('a', 'b', '"', '\\', ':'), fc.boolean(), tie('tree')), {
          maxLength: 4,
        }),
      }),
      fc.array(tie('tree'), { maxLength: 3 }),
    ),
  }))
  const write = (node: Node): string => {
    if (typeof node === 'string') return JSON.stringify(node)
    if ('members' in node)
      return `{${node.members.map(([name, escaped, child]) => `${writeName(name, escaped)} :${write(child)}`).join(',')}}`
    return `[${node.map(write).join(', ')}]`
  }
  const repeats = (node: Node): boolean => {
    if (typeof node === 'string') return false
    if (!('members' in node)) return node.some(repeats)
    const names = node.members.map(([name]) => name)
    return new Set(names).size < names.length || node.members.some(([, , child]) => repeats(child))
  }
  fc.assert(
    fc.property(tree, (node) => {
      const text = write(node)
      expect(parse(text)).toEqual(repeats(node) ? undefined : JSON.parse(text))
    }),
    { numRuns: 2000 },
  )
})

test('accepts mangled JSON exactly where JSON.parse does', () => {
  // Without braces there are no names that could come twice.
  const arrays = fc.array(fc.oneof(fc.string(), fc.double(), fc.constantFrom(null, true, [], ['"', '\\', '[:'])))
  const noise = fc.string({ unit: fc.constantFrom(...'}[]",:\\u0061 ae-1.truefalsn\n'.split('')), maxLength: 6 })
  fc.assert(
    fc.property(arrays, fc.nat(), noise, (value, place, inserted) => {
      const text = JSON.stringify(value).replaceAll('{', '')
      const at = place % (text.length + 1)
      const mangled = text.slice(0, at) + inserted + text.slice(at)
      expect(parse(mangled)).toEqual(parsePlain(mangled))
    }),
    { numRuns: 2000 },
  )
})

test.each([
  [{}, true],
  [[], false],
  [null, false],
  ['{}', false],
  [1, false],
])('tells objects from other values: %j', (value, expected) => {
  expect(isJsonObject(value)).toBe(expected)
})

interface JsonCase {
  readonly name: string
  readonly set: string
  readonly expect: string
  readonly b64: string
}

describeVectors('JSONTestSuite', () => {
  const cases = readVectors('json/jsontestsuite.json') as JsonCase[]
  const bytesOf = ({ b64 }: JsonCase): Buffer => Buffer.from(b64, 'base64')

  test('has all of its cases', () => expect(cases).toHaveLength(340))

  test('refuses every text that must be refused (N009)', () => {
    const rejects = cases.filter((one) => one.expect === 'reject')
    expect(rejects).toHaveLength(188)
    expect(rejects.filter((one) => parse(bytesOf(one)) !== undefined).map((one) => one.name)).toEqual([])
  })

  test('accepts every text that must be accepted but those with double names (N010)', () => {
    const accepts = cases.filter((one) => one.expect === 'accept')
    expect(accepts).toHaveLength(95)
    expect(accepts.filter((one) => parse(bytesOf(one)) === undefined).map((one) => one.name)).toEqual([
      'y_object_duplicated_key.json',
      'y_object_duplicated_key_and_value.json',
    ])
  })

  test('accepts of the rest only well-formed UTF-8 without double names, not too deep (N007, N010, N012)', () => {
    const others = cases.filter((one) => one.expect !== 'accept' && one.expect !== 'reject')
    const differing = others.filter((one) => {
      const bytes = bytesOf(one)
      const wellFormed = Buffer.compare(Buffer.from(bytes.toString('utf8')), bytes) === 0
      const expected = wellFormed && !/BOM|500_nested|no_BOM|same_key/.test(one.name)
      return (parse(bytes) !== undefined) !== expected
    })
    expect(others).toHaveLength(57)
    expect(differing.map((one) => one.name)).toEqual([])
  })
})
