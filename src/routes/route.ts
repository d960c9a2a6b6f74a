import type { z } from 'zod'
import type { AuthError, AuthErrorCode } from '../core/errors.ts'
import type { MaybePromise } from '../core/maybe-promise.ts'
import type { TokenKind } from '../core/request/locations.ts'
import type { Principal } from '../core/request/principal.ts'
import type { RequestView } from '../core/request/request-view.ts'
import type { Requirement } from '../core/request/requirement.ts'
import type { JsonValue } from '../core/token/json.ts'
import type { CarriedTokens } from './carried-tokens.ts'
import type { RouteContext } from './route-context.ts'

/** A caller of the ready-made endpoints; they need nothing of the application's own claims. */
export type Caller = Principal<unknown>

/** What a route's handler gets to see. */
export interface Exchange<Body, Query, Who> {
  readonly context: RouteContext
  readonly request: Request
  /** The request as the core sees it. */
  readonly view: RequestView
  readonly body: Body
  readonly query: Query
  /** Parts of the path, by the name between the braces. */
  readonly parameters: Readonly<Record<string, string>>
  readonly caller: Who
  /** Tokens that the request carries, for a route that `takes` some. */
  readonly carried: CarriedTokens
}

/** What a route answers: a JSON value, or nothing (204). */
export interface Answer {
  readonly status: 200 | 201 | 204
  readonly body?: JsonValue
  readonly headers?: Readonly<Record<string, string>>
  /** Values of `Set-Cookie` headers. Where there is such a list, even an empty one, the guard's renewal is dropped. */
  readonly cookies?: readonly string[]
}

/** A refusal that sets or unsets cookies too; one that does not is thrown. */
export interface RefusalWithCookies {
  readonly failure: AuthError
  readonly cookies: readonly string[]
}

export type Outcome = Answer | RefusalWithCookies

/** Where a route's body comes from. `optional-json` may be left out altogether. */
export type BodyKind = 'json' | 'optional-json' | 'form'

/** One endpoint: everything that dispatch and the OpenAPI document need to know of it. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below the base path, or from the root where `fromRoot` is set; `{name}` stands for one part. */
  readonly path: string
  readonly fromRoot?: true
  readonly operation: string
  readonly summary: string
  /** What the caller must be; absent where anybody may call. */
  readonly requires?: Requirement
  readonly body?: { readonly kind: BodyKind; readonly schema: z.ZodType }
  readonly query?: z.ZodType
  readonly answer: {
    readonly status: 200 | 201 | 204
    readonly schema?: z.ZodType
    /** What is answered instead where the tokens are handed out as cookies. */
    readonly schemaByCookie?: z.ZodType
    /** Default `application/json`. */
    readonly mediaType?: string
  }
  /** Refusals of its own, besides those that its body, query and requirement bring along. */
  readonly refusals: readonly AuthErrorCode[]
  /** Kinds of tokens that the handler itself takes from the request; they may come in the body too. */
  readonly takes?: readonly TokenKind[]
  /** Statuses with which cookies may be set or unset. */
  readonly cookiesWith?: readonly number[]
  /** Refuses requests of other sites by itself, where it hands out cookies. */
  readonly checksOrigin?: true
  /** Counts failed guesses, and refuses beyond the limits that the application has given. */
  readonly throttles?: true
  /** Without a user directory the route is not there. */
  readonly needsUsers?: true
  /** Without a register of tokens the route is not there. */
  readonly needsRegister?: true
  /** `invalid_grant` is 400 at the token endpoint (RFC 6749 §5.2). */
  readonly speaksOAuth?: true
  readonly handle: (exchange: Exchange<never, never, never>) => MaybePromise<Outcome>
}

interface TypedRoute<O extends string, B extends z.ZodType, Q extends z.ZodType, R extends Requirement | undefined> {
  readonly operation: O
  readonly requires?: R
  readonly body?: { readonly kind: BodyKind; readonly schema: B }
  readonly query?: Q
  readonly handle: (
    exchange: Exchange<z.output<B>, z.output<Q>, R extends Requirement ? Caller : null>,
  ) => MaybePromise<Outcome>
}

/** Makes a route whose handler is typed by its own schemas, and whose operation stays the literal that it is. */
export const defineRoute = <
  const O extends string,
  B extends z.ZodType = z.ZodUndefined,
  Q extends z.ZodType = z.ZodUndefined,
  const R extends Requirement | undefined = undefined,
>(
  route: Omit<Route, 'operation' | 'handle' | 'body' | 'query' | 'requires'> & TypedRoute<O, B, Q, R>,
  // Dispatch hands over what these very schemas and this very requirement let through.
): Route & { readonly operation: O } => route as Route & { readonly operation: O }
