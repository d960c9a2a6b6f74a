import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

/**
 * The arrows of ARCHITECTURE.md. A file belongs to the first room whose path begins its own; it may import from the
 * rooms listed, from its own, and from the outside modules named. Types cost nothing at run time, but they tie all the
 * same, so they count too.
 */
const ROOMS: readonly { room: string; imports: readonly string[]; outside?: readonly string[] }[] = [
  { room: 'src/core/token/', imports: ['src/core/'], outside: ['node:crypto'] },
  // Domain names of e-mail addresses are compared in ASCII (IDNA).
  { room: 'src/core/user/', imports: ['src/core/'], outside: ['node:url'] },
  { room: 'src/core/', imports: ['src/ports/'] },
  { room: 'src/ports/', imports: ['src/core/'] },
  { room: 'src/passwords/', imports: ['src/core/', 'src/ports/'], outside: ['node:crypto', 'node:util'] },
  { room: 'src/stores/', imports: ['src/core/', 'src/ports/'], outside: ['node:crypto', 'node:module'] },
  { room: 'src/auth-config.ts', imports: ['src/core/', 'src/ports/'] },
  { room: 'src/config.ts', imports: ['src/auth-config.ts', 'src/core/', 'src/ports/'] },
  { room: 'src/verifier.ts', imports: ['src/core/'] },
  { room: 'src/auth.ts', imports: ['src/auth-config.ts', 'src/core/', 'src/ports/', 'src/config.ts'] },
  { room: 'src/realms.ts', imports: ['src/auth.ts', 'src/core/'] },
  // The decorators, the module and the exceptions of NestJS are classes and functions of its own: they cannot be described.
  {
    room: 'src/adapters/nestjs',
    imports: ['src/core/', 'src/auth.ts', 'src/adapters/'],
    outside: ['@nestjs/common', '@nestjs/core'],
  },
  { room: 'src/adapters/', imports: ['src/core/', 'src/auth.ts'], outside: ['node:http', 'node:stream'] },
  {
    room: 'src/routes/',
    imports: ['src/core/', 'src/ports/', 'src/auth.ts', 'src/passwords/', 'src/adapters/'],
    outside: ['zod'],
  },
  { room: 'src/testing/', imports: ['src/core/', 'src/ports/'], outside: ['node:assert/strict'] },
  { room: 'src/index.ts', imports: ['src/'] },
]

const root = fileURLToPath(new URL('..', import.meta.url))

const sourceFiles = (folder: string): string[] =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) return sourceFiles(path)
    return name.endsWith('.ts') ? [path] : []
  })

/** The specifiers of a file's imports and re-exports. */
const importsOf = (path: string): string[] =>
  [...readFileSync(path, 'utf8').matchAll(/^(?:import|export)\b[^'"]*?\bfrom '([^']+)'/gm)].map(
    ([, name]) => name ?? '',
  )

const files = sourceFiles(join(root, 'src')).map((path) => ({ path, name: relative(root, path) }))

const roomOf = (name: string) => ROOMS.find(({ room }) => name.startsWith(room))

/** The parts of `file` that break its room's rule. */
const forbiddenIn = ({ path, name }: (typeof files)[number]): string[] => {
  const rule = roomOf(name)
  if (rule === undefined) return ['stands in no room']
  return importsOf(path).filter((specifier) => {
    if (!specifier.startsWith('.')) return !(rule.outside ?? []).includes(specifier)
    const target = relative(root, join(dirname(path), specifier))
    return !target.startsWith(rule.room) && !rule.imports.some((allowed) => target.startsWith(allowed))
  })
}

describe('architecture', () => {
  test('there are sources, and their imports are seen', () => {
    expect(files.length).toBeGreaterThan(60)
    expect(files.flatMap(({ path }) => importsOf(path)).length).toBeGreaterThan(200)
  })

  test.each(files)('$name imports only what its room may', (file) => {
    expect(forbiddenIn(file)).toEqual([])
  })

  test('the core reads no clock, no environment and no network', () => {
    const offenders = files
      .filter(({ name }) => name.startsWith('src/core/'))
      .filter(({ path }) => /\bDate\.now\(|\bnew Date\(|\bprocess\.[a-z]|\bfetch\(/.test(readFileSync(path, 'utf8')))
    expect(offenders.map(({ name }) => name)).toEqual([])
  })

  test('ports hold no code', () => {
    const ports = files.filter(({ name }) => name.startsWith('src/ports/'))
    const offenders = ports.filter(({ path }) => /^export (?:const|function|class)/m.test(readFileSync(path, 'utf8')))
    expect(offenders.map(({ name }) => name)).toEqual([])
  })

  test('no entry of the package but the routes and that for NestJS loads anything from outside', () => {
    const offenders = files
      .filter(({ name }) => !name.startsWith('src/routes/') && !name.startsWith('src/adapters/nestjs'))
      .filter(({ path }) => importsOf(path).some((name) => !name.startsWith('.') && !name.startsWith('node:')))
    expect(offenders.map(({ name }) => name)).toEqual([])
  })
})
