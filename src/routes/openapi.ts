import { z } from 'zod'
import { AUTH_ERRORS } from '../core/errors.ts'
import type { AuthErrorCode } from '../core/errors.ts'
import type { JsonObject, JsonValue } from '../core/token/json.ts'
import type { CookieUse } from './cookie-use.ts'
import type { Endpoint } from './endpoints.ts'
import { statusOf } from './oauth-status.ts'
import type { Route } from './route.ts'
import { problemResponse } from './schemas.ts'

/** Refusals that a guard brings along (`core/request/authenticate.ts`). */
const GUARD_REFUSALS: readonly AuthErrorCode[] = [
  'missing_token',
  'malformed_credentials',
  'token_invalid',
  'token_expired',
  'token_not_yet_valid',
  'token_revoked',
  'wrong_token_type',
]

const BODY_REFUSALS: readonly AuthErrorCode[] = ['invalid_body', 'body_too_large', 'unsupported_media_type']

/** Null where no tokens are looked for in cookies. */
type Cookies = CookieUse | null

/** Whether a request to the route may come with a token that a browser has added by itself. */
const mayComeWithCookie = ({ requires, takes }: Route): boolean => requires !== undefined || takes !== undefined

const changesState = ({ method }: Route): boolean => method !== 'GET'

const mayFailCsrf = (route: Route, cookies: Cookies): boolean =>
  cookies?.isProtected === true && ((changesState(route) && mayComeWithCookie(route)) || route.checksOrigin === true)

/** Everything that a route can refuse with. */
const refusalsOf = (route: Route, cookies: Cookies): readonly AuthErrorCode[] => [
  ...new Set<AuthErrorCode>([
    ...(route.requires === undefined ? [] : GUARD_REFUSALS),
    ...(route.requires?.permissions === undefined ? [] : (['insufficient_permission'] as const)),
    ...(mayFailCsrf(route, cookies) ? (['csrf_failed'] as const) : []),
    ...(route.body === undefined ? [] : BODY_REFUSALS),
    ...(route.query === undefined ? [] : (['invalid_query'] as const)),
    ...route.refusals,
    'store_unavailable',
  ]),
]

// zod gives JSON Schema as an object of its own type; it is JSON by construction.
const jsonSchema = (schema: z.ZodType, io: 'input' | 'output'): JsonValue => {
  const { $schema: _dialect, ...members } = z.toJSONSchema(schema, { io })
  return members as unknown as JsonObject
}

const content = (mediaType: string, schema: JsonValue): JsonObject => ({ [mediaType]: { schema } })

const problemContent = content('application/json', { $ref: '#/components/schemas/Problem' })

const SET_COOKIE = {
  'Set-Cookie': { description: 'Sets or unsets the cookies of the tokens', schema: { type: 'string' } },
}

const RETRY_AFTER = {
  'Retry-After': { description: 'Seconds until the next attempt', schema: { type: 'integer', minimum: 1 } },
}

/** The headers of an answer: one for each cookie that it may set or unset, and how long to wait. */
const headersOf = ({ cookiesWith = [] }: Route, status: number, cookies: Cookies): JsonObject => {
  const headers = {
    ...(cookies !== null && cookiesWith.includes(status) ? SET_COOKIE : {}),
    ...(status === AUTH_ERRORS.rate_limited.status ? RETRY_AFTER : {}),
  }
  return Object.keys(headers).length === 0 ? {} : { headers }
}

const refusalResponses = (route: Route, cookies: Cookies): JsonObject => {
  const byStatus = new Map<number, AuthErrorCode[]>()
  for (const code of refusalsOf(route, cookies)) {
    const status = statusOf(code, route)
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  const response = (status: number, codes: readonly AuthErrorCode[]): JsonObject => ({
    description: codes.join(', '),
    ...headersOf(route, status, cookies),
    content: problemContent,
  })
  return Object.fromEntries(
    [...byStatus].toSorted(([a], [b]) => a - b).map(([status, codes]) => [String(status), response(status, codes)]),
  )
}

const success = (route: Route, cookies: Cookies): JsonObject => {
  const { status, schema, schemaByCookie, mediaType = 'application/json' } = route.answer
  const start = { description: 'Done', ...headersOf(route, status, cookies) }
  if (schema === undefined) return start
  const inBody = jsonSchema(schema, 'output')
  const byCookie = cookies === null || schemaByCookie === undefined ? [] : [jsonSchema(schemaByCookie, 'output')]
  return { ...start, content: content(mediaType, byCookie.length === 0 ? inBody : { anyOf: [inBody, ...byCookie] }) }
}

const requestBody = ({ body }: Route): JsonObject => {
  if (body === undefined) return {}
  const mediaType = body.kind === 'form' ? 'application/x-www-form-urlencoded' : 'application/json'
  const required = body.kind !== 'optional-json'
  return { requestBody: { required, content: content(mediaType, jsonSchema(body.schema, 'input')) } }
}

const queryParameters = ({ query }: Route): readonly JsonObject[] => {
  if (query === undefined) return []
  // A query schema is an object, so its JSON Schema has properties.
  const { properties = {} } = jsonSchema(query, 'input') as { readonly properties?: JsonObject }
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }))
}

const pathParameters = ({ path }: Pick<Route, 'path'>): readonly JsonObject[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name: name ?? '',
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))

/** The value against CSRF, where pages send one along with their cookies. */
const csrfParameter = (route: Route, cookies: Cookies): readonly JsonObject[] => {
  if (cookies?.hasCsrfValue !== true || !changesState(route) || !mayComeWithCookie(route)) return []
  const description =
    'Needed where the token comes in a cookie: `csrf_token`, or `csrf_refresh_token` with a refresh token'
  return [{ name: 'X-CSRF-Token', in: 'header', required: false, description, schema: { type: 'string' } }]
}

/** A route that may have a token is described as one that may also do without. */
const securityOf = ({ requires, takes }: Route, cookies: Cookies): readonly JsonObject[] => {
  if (requires === undefined && takes === undefined) return []
  const kinds = takes ?? ['access']
  const byCookie = cookies === null ? [] : kinds.map((kind) => ({ [`${kind}Cookie`]: [] }))
  return [{ bearer: [] }, ...byCookie, ...(takes === undefined ? [] : [{}])]
}

const operationOf = ({ route, isAlias }: Endpoint, cookies: Cookies): JsonObject => {
  const { operation, summary, answer } = route
  const parameters = [...pathParameters(route), ...queryParameters(route), ...csrfParameter(route, cookies)]
  return {
    operationId: isAlias ? `${operation}Alias` : operation,
    summary,
    tags: ['auth'],
    security: securityOf(route, cookies),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...requestBody(route),
    responses: { [String(answer.status)]: success(route, cookies), ...refusalResponses(route, cookies) },
  }
}

const securitySchemes = (cookies: Cookies): JsonObject => ({
  bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
  ...(cookies === null
    ? {}
    : {
        accessCookie: { type: 'apiKey', in: 'cookie', name: cookies.names.access },
        refreshCookie: { type: 'apiKey', in: 'cookie', name: cookies.names.refresh },
      }),
})

/** What the document tells besides the endpoints themselves. */
interface Extent {
  readonly title: string
  readonly cookieUse: CookieUse
  /** Whether there are limits for those who guess. */
  readonly isThrottled: boolean
}

const withLimits = (endpoint: Endpoint): Endpoint => {
  const { route } = endpoint
  if (route.throttles !== true) return endpoint
  return { ...endpoint, route: { ...route, refusals: [...route.refusals, 'rate_limited'] } }
}

/** Describes endpoints as OpenAPI 3.1, from the same table that answers them. */
export const describeEndpoints = (
  endpoints: readonly Endpoint[],
  { title, cookieUse, isThrottled }: Extent,
): JsonObject => {
  const cookies = cookieUse.isLookedFor.access === false ? null : cookieUse
  const paths: Record<string, Record<string, JsonValue>> = {}
  for (const endpoint of isThrottled ? endpoints.map(withLimits) : endpoints) {
    const { path, route } = endpoint
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(endpoint, cookies) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title,
      version: '1',
      description: 'Sign up, sign in, refresh, sign out. Access tokens are JWTs (RFC 9068).',
    },
    paths,
    components: {
      securitySchemes: securitySchemes(cookies),
      schemas: { Problem: jsonSchema(problemResponse, 'output') },
    },
  }
}
