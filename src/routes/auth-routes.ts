import type { Auth } from '../auth.ts'
import type { MountedHandler } from '../adapters/handler.ts'
import { refusalResponse, requestView, webResponse } from '../adapters/web-response.ts'
import { AuthError } from '../core/errors.ts'
import type { Guard } from '../core/request/guard.ts'
import type { RequestView } from '../core/request/request-view.ts'
import type { JsonObject } from '../core/token/json.ts'
import { findCarriedTokens, NO_TOKENS, tokensInJson } from './carried-tokens.ts'
import { aliasProblems, DOCUMENT_PATH, endpointsOf } from './endpoints.ts'
import type { Endpoint } from './endpoints.ts'
import { inWordsOf } from './oauth-status.ts'
import { describeEndpoints } from './openapi.ts'
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

/** An endpoint as dispatch needs it. */
interface Entry {
  readonly route: Route
  readonly pattern: RegExp
  readonly guard: Guard<unknown, string> | null
}

/** What may stand for a `{name}` in a path. */
const PARAMETER = '([A-Za-z0-9._~-]{1,255})'

const escape = (path: string): string => path.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&')

const toEntry = ({ route, path }: Endpoint, { auth }: RouteContext): Entry => {
  const source = escape(path).replaceAll(/\{(\w+)\}/g, (_match, name: string) => PARAMETER.replace('(', `(?<${name}>`))
  const guard = route.requires === undefined ? null : auth.guard(route.requires)
  return { route, pattern: new RegExp(`^${source}$`), guard }
}

const toResponse = ({ status, body, headers = {}, cookies = [] }: Answer): Response => {
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const all = { ...type, 'cache-control': 'no-store', ...headers }
  const response = webResponse(body === undefined ? null : JSON.stringify(body), { status, headers: all })
  for (const cookie of cookies) response.headers.append('set-cookie', cookie)
  return response
}

/** A request on its way through one route. */
interface Passage {
  readonly request: Request
  readonly view: RequestView
  readonly route: Route | null
}

/** Runs one route: guard, body, query, handler. */
const run = async (
  { route, guard }: Entry,
  context: RouteContext,
  passage: Passage,
  match: RegExpExecArray,
): Promise<Response> => {
  const { request, view } = passage
  const verdict = guard === null ? { principal: null, cookies: [] } : await guard(view)
  if ('refusal' in verdict) return refusalResponse(verdict.refusal)
  const caller = verdict.principal
  const isCarrying = route.takes !== undefined || caller?.location === 'json'
  const carried = isCarrying ? await findCarriedTokens(context.auth, view) : NO_TOKENS
  const exchange = {
    context,
    request,
    view,
    caller,
    carried,
    parameters: { ...match.groups },
    query: route.query === undefined ? undefined : checkShape(route.query, readQuery(request), 'invalid_query'),
    body: route.body === undefined ? undefined : await readBody(request, route.body, tokensInJson(carried)),
  }
  // What `defineRoute` has paired: these values passed the very schemas that type the handler.
  const outcome = await route.handle(exchange as Parameters<Route['handle']>[0])
  if ('failure' in outcome) return fail(outcome.failure, context, passage, outcome.cookies)
  return toResponse({ cookies: verdict.cookies, ...outcome })
}

const fail = async (
  failure: unknown,
  { auth }: RouteContext,
  { view, route }: Passage,
  cookies: readonly string[] = [],
): Promise<Response> => {
  if (!(failure instanceof AuthError))
    auth.emit({ type: 'failure', at: route?.operation ?? 'dispatch', error: failure })
  const refusal = await auth.refuse(route === null ? failure : inWordsOf(route, failure), view)
  return refusalResponse({ ...refusal, cookies: [...refusal.cookies, ...cookies] })
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
    const passage = { request, view: requestView(request), route: found?.entry.route ?? null }
    try {
      if (found !== undefined) return await run(found.entry, context, passage, found.match)
      if (matching.length === 0) throw new AuthError('not_found')
      throw allowing(matching.map(({ entry }) => entry.route.method))
    } catch (failure) {
      return await fail(failure, context, passage)
    }
  }
}

const isPresent = ({ needsUsers, needsRegister }: Route, { users, trackTokens }: Auth<unknown>): boolean =>
  (needsUsers !== true || users !== null) && (needsRegister !== true || trackTokens !== 'none')

/**
 * The ready-made endpoints over an `Auth`: sign-up, sign-in, refresh, sign-out and the rest, each with its answer in
 * the OpenAPI document. They live below `basePath`, but for the JWK Set. Those that deal with users are there only
 * where the configuration names a directory, those of the token register only where it tracks tokens.
 *
 * @throws ConfigError with every problem of the options at once
 */
export const authRoutes = <Claims, P extends string>(
  auth: Auth<Claims, P>,
  options: AuthRoutesOptions = {},
): AuthRoutes => {
  const routes: readonly Route[] = ROUTES.filter((route) => isPresent(route, auth))
  const context = createRouteContext(auth, options, (aliases) => aliasProblems(aliases, routes, ROUTES))
  const { basePath } = context
  const endpoints = endpointsOf(routes, context)
  const openApi = describeEndpoints(endpoints, {
    title: auth.issuer,
    cookieUse: context.cookieUse,
    isThrottled: context.throttle !== null,
  })
  const dispatch = createDispatch(
    endpoints.map((endpoint) => toEntry(endpoint, context)),
    context,
  )

  const handler = async (request: Request): Promise<Response> => {
    if (new URL(request.url).pathname !== `${basePath}${DOCUMENT_PATH}`) return dispatch(request)
    if (methodOf(request) === 'GET') return toResponse({ status: 200, body: openApi })
    return fail(allowing(['GET']), context, { request, view: requestView(request), route: null })
  }
  const matches = (path: string): boolean =>
    path === basePath || path.startsWith(`${basePath}/`) || path === '/.well-known/jwks.json'
  const paths = [basePath, `${basePath}/*`, '/.well-known/jwks.json']
  return Object.assign(handler, { matches, paths, openApi })
}
