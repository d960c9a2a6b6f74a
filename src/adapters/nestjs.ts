import { createParamDecorator, Inject, UseGuards } from '@nestjs/common'
import type { Guarding } from '../auth.ts'
import { ConfigError } from '../core/errors.ts'
import type { Requirement } from '../core/request/requirement.ts'
import type { JsonObject } from '../core/token/json.ts'
import { expressMount } from './express.ts'
import { createGuards } from './nestjs/guard.ts'
import { createModule } from './nestjs/module.ts'
import { nodeRequest } from './nestjs/platform.ts'
import type { NestAuth, NestContext, NestDecorator, NestGuard, NestGuardClass, NestParts } from './nestjs/types.ts'
import type { NodeRequest } from './node-http.ts'
import { createPrincipals } from './principals.ts'

export type {
  NestAsyncSettings,
  NestAuth,
  NestClass,
  NestContext,
  NestDecorator,
  NestDependency,
  NestDynamicModule,
  NestGuard,
  NestGuardClass,
  NestHost,
  NestModule,
  NestParts,
  NestProvider,
  NestRequest,
  NestResponse,
} from './nestjs/types.ts'

/** What a realm stands on: the `Auth`, or the promise of its module to bring one. */
interface Foundation<Claims, P extends string, G> {
  /** A guard as this realm hands it out, made of its class. */
  readonly guardOf: (Guard: NestGuardClass) => G
  readonly bind: (guard: G) => NestDecorator
  /** @throws ConfigError for parts of another realm */
  readonly check: (parts: NestParts<Claims, P>) => NestParts<Claims, P>
}

const requestOf = (context: NestContext): NodeRequest => nodeRequest(context.switchToHttp().getRequest())

const createRealm = <Claims, P extends string, G>({
  guardOf,
  bind,
  check,
}: Foundation<Claims, P, G>): NestAuth<Claims, P, G> => {
  const token = Symbol('jotward auth')
  const principals = createPrincipals<Claims, P>()
  const { Public, guardClass } = createGuards(token, principals)
  const protect = (requirement?: Requirement<P, Claims>): G => guardOf(guardClass(requirement))
  const Protect = (requirement?: Requirement<P, Claims>): NestDecorator => bind(protect(requirement))
  return {
    protect,
    principal: (request) => principals.principal(nodeRequest(request)),
    optionalPrincipal: (request) => principals.optionalPrincipal(nodeRequest(request)),
    mount: expressMount,
    Protect,
    Fresh: (window = true) => Protect({ fresh: window }),
    RequirePermission: (...permissions) => Protect({ permissions }),
    Public,
    CurrentPrincipal: createParamDecorator((_data: unknown, context: NestContext) =>
      principals.principal(requestOf(context)),
    ),
    OptionalPrincipal: createParamDecorator((_data: unknown, context: NestContext) =>
      principals.optionalPrincipal(requestOf(context)),
    ),
    InjectAuth: () => Inject(token),
    JotwardModule: createModule({ token, guardClass, check }),
  }
}

/**
 * Guards, decorators and module over an `Auth` that stands already. They need nothing of the application's modules.
 *
 * @example
 * export const { JotwardModule, Protect, RequirePermission, CurrentPrincipal } = nestAuth(auth)
 */
export const nestAuth = <Claims, P extends string>(auth: Guarding<Claims, P>): NestAuth<Claims, P, NestGuard> =>
  createRealm<Claims, P, NestGuard>({
    guardOf: (Guard) => new Guard(auth),
    bind: (guard) => UseGuards(guard),
    check: (parts) => {
      if (parts.auth === auth) return parts
      throw new ConfigError([{ path: 'auth', problem: 'is another one than that of nestAuth(); hand over the same' }])
    },
  })

/**
 * The same where the `Auth` is made by the application, of its configuration say: `JotwardModule.registerAsync()` brings
 * it, and guards are classes that NestJS gives it to. Each call is a realm of its own.
 *
 * @example
 * export const { JotwardModule, Protect, CurrentPrincipal } = nestRealm<Claims, Permission>()
 */
export const nestRealm = <Claims = JsonObject, P extends string = string>(): NestAuth<Claims, P, NestGuardClass> =>
  createRealm<Claims, P, NestGuardClass>({
    guardOf: (Guard) => Guard,
    bind: (Guard) => UseGuards(Guard),
    check: (parts) => parts,
  })
