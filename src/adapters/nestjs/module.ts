import { Inject, Module } from '@nestjs/common'
import { APP_FILTER, APP_GUARD, HttpAdapterHost } from '@nestjs/core'
import { ConfigError } from '../../core/errors.ts'
import type { Requirement } from '../../core/request/requirement.ts'
import { unknownKeys } from '../../core/unknown-keys.ts'
import { expressMount } from '../express.ts'
import { RefusalFilter } from './refusal.ts'
import type { NestClass, NestGuardClass, NestModule, NestParts, NestProvider } from './types.ts'

/** What a realm gives its module. */
export interface ModuleParts<Claims, P extends string> {
  /** Under which the `Auth` is injected. */
  readonly token: symbol
  readonly guardClass: (requirement: Requirement<P, Claims>) => NestGuardClass
  /** @throws ConfigError for parts that are not this realm's */
  readonly check: (parts: NestParts<Claims, P>) => NestParts<Claims, P>
}

const PARTS = ['auth', 'endpoints']
const SETTINGS = {
  register: [...PARTS, 'guard'],
  registerAsync: ['imports', 'inject', 'useFactory', 'guard'],
} as const

/** @throws ConfigError for what is no setting, and what is undefined: a misspelt `guard` would leave all routes open */
const checkSettings = (settings: object, known: readonly string[]): void => {
  const lacking = Object.entries(settings).filter(([, value]) => value === undefined)
  const problems = [
    ...unknownKeys('', settings, known),
    ...lacking.map(([path]) => ({ path, problem: 'is undefined; leave it out, or say what it shall be' })),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
}

/** NestJS asks for a class, whose instances it makes itself. */
const createModuleClass = (partsToken: symbol): NestClass => {
  class JotwardModule {
    readonly #parts: NestParts<unknown, never>
    readonly #host: HttpAdapterHost

    constructor(parts: NestParts<unknown, never>, host: HttpAdapterHost) {
      this.#parts = parts
      this.#host = host
    }

    /** Called after the body parsers and before the routes. The endpoints know their paths: no prefix is put before them. */
    configure(): void {
      const { endpoints } = this.#parts
      if (endpoints !== undefined) this.#host.httpAdapter.use(expressMount(endpoints))
    }
  }
  Inject(partsToken)(JotwardModule, undefined, 0)
  Inject(HttpAdapterHost)(JotwardModule, undefined, 1)
  Module({})(JotwardModule)
  // It is called with what `Inject` names, by NestJS and nobody else.
  return JotwardModule as NestClass
}

export const createModule = <Claims, P extends string>({
  token,
  guardClass,
  check,
}: ModuleParts<Claims, P>): NestModule<Claims, P> => {
  const partsToken = Symbol('jotward parts')
  const module = createModuleClass(partsToken)

  const providersOf = (parts: NestProvider, guard: Requirement<P, Claims> | undefined): NestProvider[] => [
    parts,
    // The parts, which the line above provides.
    { provide: token, useFactory: (made) => (made as NestParts<Claims, P>).auth, inject: [partsToken] },
    { provide: APP_FILTER, useClass: RefusalFilter },
    ...(guard === undefined ? [] : [{ provide: APP_GUARD, useClass: guardClass(guard) }]),
  ]

  return {
    register: (settings) => {
      checkSettings(settings, SETTINGS.register)
      const { guard, ...given } = settings
      const parts: NestProvider = { provide: partsToken, useValue: check(given) }
      return { module, global: true, imports: [], providers: providersOf(parts, guard), exports: [token] }
    },
    registerAsync: (settings) => {
      checkSettings(settings, SETTINGS.registerAsync)
      const { imports = [], inject = [], useFactory, guard } = settings
      // NestJS calls it with what `inject` names, which the caller has typed.
      const make = useFactory as (...dependencies: readonly unknown[]) => ReturnType<typeof useFactory>
      const parts: NestProvider = {
        provide: partsToken,
        useFactory: async (...dependencies) => {
          const made = await make(...dependencies)
          checkSettings(made, PARTS)
          return check(made)
        },
        inject: [...inject],
      }
      return { module, global: true, imports: [...imports], providers: providersOf(parts, guard), exports: [token] }
    },
  }
}
