import type { Guarding } from '../../auth.ts'
import type { Duration } from '../../core/duration.ts'
import type { MaybePromise } from '../../core/maybe-promise.ts'
import type { Principal } from '../../core/request/principal.ts'
import type { Requirement } from '../../core/request/requirement.ts'
import type { ExpressMiddleware } from '../express.ts'
import type { MountedHandler } from '../handler.ts'
import type { NodeRequest, NodeResponse } from '../node-http.ts'

/**
 * NestJS as it is seen here, described rather than imported: whoever reads the types of this entry needs no NestJS.
 */

/** A request of the platform: Express's own, or Fastify's around Node's. */
export type NestRequest = (NodeRequest | { readonly raw: NodeRequest; readonly body?: unknown }) & {
  readonly params?: unknown
}

/** A response of the platform: Express's own, or Fastify's around Node's. */
export type NestResponse = (NodeResponse | { readonly raw: NodeResponse }) & {
  header(name: string, value: string): unknown
  /** What templates see. */
  locals?: object | null
}

/** The part of an `ArgumentsHost` that is needed here. */
export interface NestHost {
  switchToHttp(): { getRequest(): NestRequest; getResponse(): NestResponse }
}

/** The part of an `ExecutionContext` that is needed here. */
export interface NestContext extends NestHost {
  getType(): string
  /** The method that is the route, and the controller that it belongs to. */
  getHandler(): Function
  getClass(): Function
}

/** A `CanActivate`: lets in, or throws. */
export interface NestGuard {
  canActivate(context: NestContext): MaybePromise<boolean>
}

/** A class of such guards, whose instances NestJS makes, with the `Auth` of the application they are in. */
export type NestGuardClass = new (...dependencies: unknown[]) => NestGuard

export type NestDecorator = MethodDecorator & ClassDecorator

type NestToken = string | symbol | (abstract new (...dependencies: never[]) => unknown)

/** What a factory asks for. */
export type NestDependency = NestToken | { token: NestToken; optional: boolean }

/** A class whose instances NestJS makes, with what it asks for. */
export type NestClass = new (...dependencies: unknown[]) => unknown

export type NestProvider =
  | { provide: string | symbol; useValue: unknown }
  | { provide: string | symbol; useClass: NestClass }
  | { provide: string | symbol; useFactory: (...dependencies: unknown[]) => unknown; inject: NestDependency[] }

/** A `DynamicModule`. */
export interface NestDynamicModule<Import> {
  module: NestClass
  global: true
  imports: Import[]
  providers: NestProvider[]
  exports: symbol[]
}

/** What a module stands on. */
export interface NestParts<Claims, P extends string> {
  /** An `Auth`, or several realms together. */
  readonly auth: Guarding<Claims, P>
  /** Ready-made endpoints to answer before any route, `authRoutes(auth)`. A global prefix does not concern them. */
  readonly endpoints?: MountedHandler
}

interface ModuleSettings<Claims, P extends string> {
  /** Guards the whole application; only what is `@Public()` stays open. Default: each route is open that asks nothing. */
  readonly guard?: Requirement<P, Claims>
}

export interface NestAsyncSettings<
  Claims,
  P extends string,
  Import,
  D extends readonly unknown[],
> extends ModuleSettings<Claims, P> {
  readonly imports?: readonly Import[]
  readonly inject?: readonly NestDependency[]
  readonly useFactory: (...dependencies: D) => MaybePromise<NestParts<Claims, P>>
}

export interface NestModule<Claims, P extends string> {
  readonly register: (settings: NestParts<Claims, P> & ModuleSettings<Claims, P>) => NestDynamicModule<never>
  readonly registerAsync: <Import = never, D extends readonly unknown[] = []>(
    settings: NestAsyncSettings<Claims, P, Import, D>,
  ) => NestDynamicModule<Import>
}

/** Everything of one realm. `G` is what a guard is: an instance, or a class where the module brings the `Auth`. */
export interface NestAuth<Claims, P extends string, G> {
  /** A guard that refuses by itself: `app.useGlobalGuards(…)`, `@UseGuards(…)`. Templates have the caller as `principal`. */
  readonly protect: (requirement?: Requirement<P, Claims>) => G
  readonly principal: (request: NestRequest) => Principal<Claims, P>
  readonly optionalPrincipal: (request: NestRequest) => Principal<Claims, P> | null
  /** Middleware for `app.use(…)`, on both platforms, that answers the handler's own paths. */
  readonly mount: (handler: MountedHandler) => ExpressMiddleware

  /** Guards a route, or each route of a controller. */
  readonly Protect: (requirement?: Requirement<P, Claims>) => NestDecorator
  /** `@Protect({ fresh: window })`. Default: within the access token's lifetime. */
  readonly Fresh: (window?: true | 'login' | Duration) => NestDecorator
  /** `@Protect({ permissions })`: all of them are needed. */
  readonly RequirePermission: (...permissions: [P, ...P[]]) => NestDecorator
  /** Opens a route to everybody, past the guards of its controller and of the application; or a controller, past the latter. */
  readonly Public: () => NestDecorator
  /** The verified caller. A parameter's type is for the handler to write: `ReturnType<typeof principal>`. */
  readonly CurrentPrincipal: () => ParameterDecorator
  /** The verified caller, or null under an optional guard. */
  readonly OptionalPrincipal: () => ParameterDecorator
  /** The `auth` that the module was given, for services. */
  readonly InjectAuth: () => ParameterDecorator & PropertyDecorator
  /** A global module: the `Auth`, what the application is guarded with, its endpoints, and refusals to the letter. */
  readonly JotwardModule: NestModule<Claims, P>
}
