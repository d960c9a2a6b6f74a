import { readdirSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { openCompiler, textOf } from './compiler.ts'

const { complaintsIn, close } = openCompiler()

afterAll(close)

/**
 * The type tests are the other files of this folder: `@ts-expect-error` stands above all that must not compile, and one
 * that is not needed is an error itself. Here they are compiled, and each promise is broken once to see them complain.
 */
const FILES = readdirSync(new URL('.', import.meta.url))
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => `test/types/${name}`)

test('the types keep what they promise (B-9)', () => {
  expect(FILES.length).toBeGreaterThan(7)
  expect(complaintsIn(FILES)).toEqual([])
})

interface Edit {
  readonly file: string
  /** What stands there, and what would stand there instead. */
  readonly from: string | RegExp
  readonly to: string
}

interface Break {
  readonly promise: string
  readonly edits: readonly Edit[]
  /** Some of what the type tests then complain of. */
  readonly complaints: readonly string[]
}

/** Adapters that hand out `protect` and `principal` in the same way, and where the type tests use them. */
const ADAPTERS = {
  express: 'inExpress',
  fastify: 'inFastify',
  hono: 'inHono',
  koa: 'inKoa',
  h3: 'inH3',
  elysia: 'inElysia',
}

const inAdapters = (from: RegExp, to: string): readonly Edit[] =>
  Object.keys(ADAPTERS).map((name) => ({ file: `src/adapters/${name}.ts`, from, to }))

const byAdapters = (about: string): readonly string[] =>
  Object.values(ADAPTERS).map((declaration) => `adapters.${declaration}: ${about}`)

const BREAKS: readonly Break[] = [
  {
    promise: 'permissions that a route asks for are declared',
    edits: [
      {
        file: 'src/core/request/requirement.ts',
        from: 'readonly permissions?: Permissions<P>',
        to: 'readonly permissions?: Permissions<string>',
      },
    ],
    complaints: ['permissions.askedFor: a misspelt permission', 'principal-under.inFetch: a misspelt permission'],
  },
  {
    promise: 'one of several permissions is declared',
    edits: [
      {
        file: 'src/core/request/requirement.ts',
        from: 'readonly anyOf?: Permissions<P>',
        to: 'readonly anyOf?: Permissions<string>',
      },
    ],
    complaints: ['permissions.askedFor: a misspelt alternative'],
  },
  {
    promise: 'a bound permission begins with a declared one',
    edits: [{ file: 'src/core/permission/permission-rules.ts', from: 'P | `${P}:${string}`', to: 'string' }],
    complaints: ['permissions.bound: bound to a permission that is misspelt'],
  },
  {
    promise: 'a question of a route knows the claims',
    edits: [
      {
        file: 'src/core/request/requirement.ts',
        from: 'check?: (principal: Principal<Claims, P>',
        to: 'check?: (principal: Principal<any, P>',
      },
    ],
    complaints: ['requirements.questions: a misspelt claim in a question'],
  },
  {
    promise: 'a question of a route is answered with true or false',
    edits: [
      {
        file: 'src/core/request/requirement.ts',
        from: 'request: RequestView) => MaybePromise<boolean>\n}\n\n/** Permissions to',
        to: 'request: RequestView) => unknown\n}\n\n/** Permissions to',
      },
    ],
    complaints: ['requirements.questions: a question that forgets its answer'],
  },
  {
    promise: 'a handler gets the claims of the schema',
    edits: [{ file: 'src/core/request/principal.ts', from: 'readonly claims: Claims\n', to: 'readonly claims: any\n' }],
    complaints: ['claims.out: a misspelt claim', 'adapters.inExpress: a misspelt claim'],
  },
  {
    promise: 'can() knows the permissions',
    edits: [
      { file: 'src/core/request/principal.ts', from: /can\(permission: [\w<>]+\)/, to: 'can(permission: string)' },
    ],
    complaints: ['permissions.askedFor: a misspelt question', 'configuration.hooks: a misspelt permission'],
  },
  {
    promise: 'a session is granted permissions that there are',
    edits: [
      {
        file: 'src/core/session/issue-options.ts',
        from: /permissions\?: readonly \([\w<>]+ \|/,
        to: 'permissions?: readonly (string |',
      },
    ],
    complaints: ['permissions.granted: a misspelt grant', 'permissions.granted: a misspelt grant after a check'],
  },
  {
    promise: 'a session is given claims that the schema takes',
    edits: [
      { file: 'src/core/session/issue-options.ts', from: 'readonly claims?: Input', to: 'readonly claims?: object' },
    ],
    complaints: ['claims.zod: a role that there is not', 'claims.otherLibraries: the output instead of the input'],
  },
  {
    promise: 'a token alone is given claims and permissions of the same kind',
    edits: [
      {
        file: 'src/core/session/sign-alone.ts',
        from: /readonly permissions\?: readonly \([^\n]*|readonly claims\?: Input/g,
        to: 'readonly permissions?: readonly string[]\n  readonly claims?: object',
      },
    ],
    complaints: [
      'permissions.granted: a misspelt grant of a token alone',
      'claims.zod: a token alone has claims of the same kind',
    ],
  },
  {
    promise: 'places are among those that there are',
    edits: [
      {
        file: 'src/core/request/locations.ts',
        from: /readonly (order|refreshOrder)\?: readonly Location\[\]/g,
        to: 'readonly $1?: readonly string[]',
      },
    ],
    complaints: [
      'configuration.locations: a place that there is not',
      'configuration.locations: a place that there is not, for refresh tokens',
    ],
  },
  {
    promise: 'hooks know claims and permissions',
    edits: [{ file: 'src/auth-config.ts', from: /HooksConfig<Claims, [^\n]*>/, to: 'HooksConfig<any, any>' }],
    complaints: ['configuration.hooks: a misspelt claim', 'configuration.hooks: a misspelt permission'],
  },
  {
    promise: 'refusals are shaped by codes that there are',
    edits: [
      { file: 'src/core/request/refusal.ts', from: "[code in AuthErrorCode | 'default']", to: '[code in string]' },
    ],
    complaints: ['configuration.errors: a code that there is not'],
  },
  {
    promise: 'a caller may be nobody under an optional guard',
    edits: [{ file: 'src/adapters/fetch.ts', from: / \| null\n {2}: /, to: '\n  : ' }],
    complaints: [
      'principal-under.inFetch: nobody may have called',
      'principal-under.inFetch: nobody may have called here either',
      'principal-under.inNode: nobody may have called',
    ],
  },
  {
    promise: 'a user is there only where the route asks for one',
    edits: [{ file: 'src/core/request/principal.ts', from: 'readonly user: User | null', to: 'readonly user: User' }],
    complaints: ['principal-under.users: the route did not ask for it'],
  },
  {
    promise: 'realms give claims of any of them',
    edits: [{ file: 'src/realms.ts', from: /Connecting<ClaimsOf<A\[number\]>/g, to: 'Connecting<any' }],
    complaints: ['realms.claims: which of them it is has to be asked first'],
  },
  {
    promise: 'realms ask for what all of them know',
    edits: [
      {
        file: 'src/realms.ts',
        from: '...auths: A\n): Connecting<ClaimsOf<A[number]>, SharedPermissions<A>>',
        to: '...auths: A\n): Connecting<ClaimsOf<A[number]>, string>',
      },
    ],
    complaints: ['realms.claims: a permission that only one of them knows'],
  },
  {
    promise: 'the guard of every adapter asks for permissions that there are',
    edits: inAdapters(/Requirement<P(?:, Claims)?>/g, 'Requirement<string, Claims>'),
    complaints: byAdapters('a misspelt permission'),
  },
  {
    promise: 'the principal of every adapter has the claims that are configured',
    edits: inAdapters(/Principal<Claims, P>/g, 'Principal<any, P>'),
    complaints: byAdapters('a misspelt claim'),
  },
  {
    promise: 'the decorators of NestJS ask for permissions that there are',
    edits: [
      { file: 'src/adapters/nestjs/types.ts', from: /Requirement<P(?:, Claims)?>|\[P, \.\.\.P\[\]\]/g, to: 'any' },
    ],
    complaints: [
      'adapters.Orders: a misspelt permission',
      'adapters.Orders: a misspelt permission of a requirement',
      'adapters.applications: a misspelt permission of the whole application',
    ],
  },
]

/** The file of a complaint; the others need not be compiled to hear it. */
const fileOf = (complaint: string): string => `test/types/${complaint.slice(0, complaint.indexOf('.'))}.ts`

describe('each promise is seen when it is broken:', () => {
  test.each(BREAKS.map((each) => [each.promise, each] as const))('%s', (_promise, { edits, complaints }) => {
    const texts = edits.map(({ file, from, to }): [string, string] => {
      const text = textOf(file)
      const broken = text.replace(from, to)
      expect(broken, `what is to be broken stands in ${file}`).not.toBe(text)
      return [file, broken]
    })
    const files = [...new Set(complaints.map(fileOf))]
    expect(complaintsIn(files, Object.fromEntries(texts))).toEqual(expect.arrayContaining([...complaints]))
  })
})
