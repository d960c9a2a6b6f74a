import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { openCompiler, textOf } from './compiler.ts'

const { anyTypesIn, close } = openCompiler()

afterAll(close)

const Package = z.object({ exports: z.record(z.string(), z.union([z.string(), z.object({ types: z.string() })])) })

/** The declarations that users of the package see first, as `test/globals.ts` has just built them. */
const entries = Object.values(Package.parse(JSON.parse(textOf('package.json'))).exports).flatMap((entry) =>
  typeof entry === 'string' ? [] : [entry.types.replace('./', '')],
)

test('no type of the public surface is any, or becomes any by what it stands on (B-9)', () => {
  const { found, files, types } = anyTypesIn(entries)
  expect(found).toEqual([])
  expect(files).toBeGreaterThan(80)
  expect(types).toBeGreaterThan(3000)
})

test('an any would be found, however it came there', () => {
  const planted = `
    import type { Missing } from 'nowhere'
    export declare const written: (value: any) => { member: Missing }
    export type Come = ReturnType<typeof JSON.parse>
    export interface Deep { readonly list: readonly Record<string, any>[] }
    export type Fine = unknown
  `
  expect(anyTypesIn([], { 'dist/planted.d.ts': planted }).found).toEqual([
    'dist/planted.d.ts: any',
    'dist/planted.d.ts: Missing',
    'dist/planted.d.ts: ReturnType<typeof JSON.parse>',
    'dist/planted.d.ts: any',
  ])
})
