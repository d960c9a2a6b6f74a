import type { z } from 'zod'
import type { AuthErrorCode } from '../core/errors.ts'
import type { MaybePromise } from '../core/maybe-promise.ts'
import type { Principal } from '../core/request/principal.ts'
import type { Requirement } from '../core/request/requirement.ts'
import type { JsonValue } from '../core/token/json.ts'
import type { RouteContext } from './route-context.ts'

/** A caller of the ready-made endpoints; they need nothing of the application's own claims. */
export type Caller = Principal<unknown>

/** What a route's handler gets to see. */
export interface Exchange<Body, Query, Who> {
  readonly context: RouteContext
  readonly request: Request
  readonly body: Body
  readonly query: Query
  /** Parts of the path, by the name between the braces. */
  readonly parameters: Readonly<Record<string, string>>
  readonly caller: Who
}

/** What a route answers: a JSON value, or nothing (204). */
export interface Answer {
  readonly status: 200 | 201 | 204
  readonly body?: JsonValue
  readonly headers?: Readonly<Record<string, string>>
}

/** Where a route's body comes from. `optional-json` may be left out altogether. */
export type BodyKind = 'json' | 'optional-json' | 'form'

/** One endpoint: everything that dispatch and the OpenAPI document need to know of it. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
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
    /** Default `application/json`. */
    readonly mediaType?: string
  }
  /** Refusals of its own, besides those that its body, query and requirement bring along. */
  readonly refusals: readonly AuthErrorCode[]
  /** A token is looked for by the handler itself, and may come in the body instead. */
  readonly mayHaveToken?: true
  /** Without a user directory the route is not there. */
  readonly needsUsers?: true
  /** `invalid_grant` is 400 at the token endpoint (RFC 6749 §5.2). */
  readonly speaksOAuth?: true
  readonly handle: (exchange: Exchange<never, never, never>) => MaybePromise<Answer>
}

interface TypedRoute<B extends z.ZodType, Q extends z.ZodType, R extends Requirement | undefined> {
  readonly requires?: R
  readonly body?: { readonly kind: BodyKind; readonly schema: B }
  readonly query?: Q
  readonly handle: (
    exchange: Exchange<z.output<B>, z.output<Q>, R extends Requirement ? Caller : null>,
  ) => MaybePromise<Answer>
}

/** Makes a route whose handler is typed by its own schemas. */
export const defineRoute = <
  B extends z.ZodType = z.ZodUndefined,
  Q extends z.ZodType = z.ZodUndefined,
  const R extends Requirement | undefined = undefined,
>(
  route: Omit<Route, 'handle' | 'body' | 'query' | 'requires'> & TypedRoute<B, Q, R>,
  // Dispatch hands over what these very schemas and this very requirement let through.
): Route => route as Route
