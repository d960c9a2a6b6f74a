import type { Auth } from '../auth.ts'
import type { MountedHandler } from '../adapters/handler.ts'
import { refusalResponse, requestView, webResponse } from '../adapters/web-response.ts'
import { AuthError } from '../core/errors.ts'
import type { Guard } from '../core/request/guard.ts'
import type { JsonObject } from '../core/token/json.ts'
import { describeRoutes, statusOf } from './openapi.ts'
import { checkShape, readBody, readQuery } from './read-body.ts'
import type { Answer, Route } from './route.ts'
import { createRouteContext } from './route-context.ts'
import type { AuthRoutesOptions, RouteContext } from './route-context.ts'
import { ROUTES } from './table.ts'

/** The ready-made endpoints as one function from request to response. */
export interface AuthRoutes extends MountedHandler {
  /** Their OpenAPI 3.1 document. */
  readonly openApi: JsonObject
}

/** A route as dispatch needs it. */
interface Entry {
  readonly route: Route
  readonly pattern: RegExp
  readonly guard: Guard<unknown, string> | null
}

/** What may stand for a `{name}` in a path. */
const PARAMETER = '([A-Za-z0-9._~-]{1,255})'

const escape = (path: string): string => path.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&')

const toEntry = (route: Route, { auth, basePath }: RouteContext): Entry => {
  const path = route.fromRoot === true ? route.path : `${basePath}${route.path}`
  const source = escape(path).replaceAll(/\{(\w+)\}/g, (_match, name: string) => PARAMETER.replace('(', `(?<${name}>`))
  const guard = route.requires === undefined ? null : auth.guard(route.requires)
  return { route, pattern: new RegExp(`^${source}$`), guard }
}

const toResponse = ({ status, body, headers = {} }: Answer): Response => {
  const all = { 'cache-control': 'no-store', ...headers }
  if (body === undefined) return webResponse(null, { status, headers: all })
  return webResponse(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...all } })
}

/** Runs one route: guard, body, query, handler. */
const run = async (
  entry: Entry,
  context: RouteContext,
  request: Request,
  match: RegExpExecArray,
): Promise<Response> => {
  const { route, guard } = entry
  const verdict = guard === null ? { principal: null } : await guard(requestView(request))
  if ('refusal' in verdict) return refusalResponse(verdict.refusal)
  const exchange = {
    context,
    request,
    caller: verdict.principal,
    parameters: { ...match.groups },
    query: route.query === undefined ? undefined : checkShape(route.query, readQuery(request), 'invalid_query'),
    body: route.body === undefined ? undefined : await readBody(request, route.body.kind, route.body.schema),
  }
  // What `defineRoute` has paired: these values passed the very schemas that type the handler.
  return toResponse(await route.handle(exchange as Parameters<Route['handle']>[0]))
}

const fail = async (
  failure: unknown,
  { auth }: RouteContext,
  { request, route }: { readonly request: Request; readonly route: Route | null },
): Promise<Response> => {
  if (!(failure instanceof AuthError))
    auth.emit({ type: 'failure', at: route?.operation ?? 'dispatch', error: failure })
  const refusal = await auth.refuse(failure, requestView(request))
  const status = failure instanceof AuthError && route !== null ? statusOf(failure.code, route) : refusal.status
  if (status === refusal.status) return refusalResponse(refusal)
  // What was a 401 elsewhere is none here, so there is nothing to challenge for.
  const { 'www-authenticate': _challenge, ...headers } = refusal.headers
  return refusalResponse({ ...refusal, status, headers })
}

const methodOf = (request: Request): string => (request.method === 'HEAD' ? 'GET' : request.method)

/** HEAD is answered wherever GET is (RFC 9110 §9.3.2). */
const allowing = (methods: readonly string[]): AuthError =>
  new AuthError('method_not_allowed', { allow: methods.flatMap((name) => (name === 'GET' ? ['GET', 'HEAD'] : [name])) })

const createDispatch = (entries: readonly Entry[], context: RouteContext) => {
  return async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url)
    const matching = entries.flatMap((entry) => {
      const match = entry.pattern.exec(pathname)
      return match === null ? [] : [{ entry, match }]
    })
    const found = matching.find(({ entry }) => entry.route.method === methodOf(request))
    try {
      if (found !== undefined) return await run(found.entry, context, request, found.match)
      if (matching.length === 0) throw new AuthError('not_found')
      throw allowing(matching.map(({ entry }) => entry.route.method))
    } catch (failure) {
      return await fail(failure, context, { request, route: found?.entry.route ?? null })
    }
  }
}

/**
 * The ready-made endpoints over an `Auth`: sign-up, sign-in, refresh, sign-out and the rest, each with its answer in
 * the OpenAPI document. They live below `basePath`, but for the JWK Set. Those that deal with users are there only
 * where the configuration names a directory.
 *
 * @throws ConfigError with every problem of the options at once
 */
export const authRoutes = <Claims, P extends string>(
  auth: Auth<Claims, P>,
  options: AuthRoutesOptions = {},
): AuthRoutes => {
  const context = createRouteContext(auth, options)
  const { basePath } = context
  const routes = ROUTES.filter(({ needsUsers }) => needsUsers !== true || auth.users !== null)
  const entries = routes.map((route) => toEntry(route, context))
  const openApi = describeRoutes(routes, basePath, auth.issuer)
  const dispatch = createDispatch(entries, context)
  const documentPath = `${basePath}/openapi.json`

  const handler = async (request: Request): Promise<Response> => {
    if (new URL(request.url).pathname !== documentPath) return dispatch(request)
    if (methodOf(request) !== 'GET') return fail(allowing(['GET']), context, { request, route: null })
    return toResponse({ status: 200, body: openApi })
  }
  const matches = (path: string): boolean =>
    path === basePath || path.startsWith(`${basePath}/`) || path === '/.well-known/jwks.json'
  const paths = [basePath, `${basePath}/*`, '/.well-known/jwks.json']
  return Object.assign(handler, { matches, paths, openApi })
}
