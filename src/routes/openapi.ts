import { z } from 'zod'
import { AUTH_ERRORS } from '../core/errors.ts'
import type { AuthErrorCode } from '../core/errors.ts'
import type { JsonObject, JsonValue } from '../core/token/json.ts'
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

/** Everything that a route can refuse with. */
export const refusalsOf = (route: Route): readonly AuthErrorCode[] => [
  ...new Set<AuthErrorCode>([
    ...(route.requires === undefined ? [] : GUARD_REFUSALS),
    ...(route.requires?.permissions === undefined ? [] : (['insufficient_permission'] as const)),
    ...(route.body === undefined ? [] : BODY_REFUSALS),
    ...(route.query === undefined ? [] : (['invalid_query'] as const)),
    ...route.refusals,
    'store_unavailable',
  ]),
]

/** The HTTP status of a refusal: RFC 6749 §5.2 has 400 where the rest of HTTP has 401. */
export const statusOf = (code: AuthErrorCode, { speaksOAuth }: Pick<Route, 'speaksOAuth'>): number =>
  speaksOAuth === true && AUTH_ERRORS[code].wire === 'invalid_grant' ? 400 : AUTH_ERRORS[code].status

// zod gives JSON Schema as an object of its own type; it is JSON by construction.
const jsonSchema = (schema: z.ZodType, io: 'input' | 'output'): JsonValue => {
  const { $schema: _dialect, ...members } = z.toJSONSchema(schema, { io })
  return members as unknown as JsonObject
}

const content = (mediaType: string, schema: JsonValue): JsonObject => ({ [mediaType]: { schema } })

const problemContent = content('application/json', { $ref: '#/components/schemas/Problem' })

const refusalResponses = (route: Route): JsonObject => {
  const byStatus = new Map<number, AuthErrorCode[]>()
  for (const code of refusalsOf(route)) {
    const status = statusOf(code, route)
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus]
      .toSorted(([a], [b]) => a - b)
      .map(([status, codes]) => [String(status), { description: codes.join(', '), content: problemContent }]),
  )
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

const pathParameters = ({ path }: Route): readonly JsonObject[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name: name ?? '',
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))

/** A route that may have a token is described as one that may also do without. */
const securityOf = ({ requires, mayHaveToken }: Route): readonly JsonObject[] => {
  if (mayHaveToken === true) return [{ bearer: [] }, {}]
  return requires === undefined ? [] : [{ bearer: [] }]
}

const operationOf = (route: Route): JsonObject => {
  const { operation, summary, answer } = route
  const success: JsonObject =
    answer.schema === undefined
      ? { description: 'Done' }
      : {
          description: 'Done',
          content: content(answer.mediaType ?? 'application/json', jsonSchema(answer.schema, 'output')),
        }
  const parameters = [...pathParameters(route), ...queryParameters(route)]
  return {
    operationId: operation,
    summary,
    tags: ['auth'],
    security: securityOf(route),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...requestBody(route),
    responses: { [String(answer.status)]: success, ...refusalResponses(route) },
  }
}

/** Describes endpoints as OpenAPI 3.1, from the same table that answers them. */
export const describeRoutes = (routes: readonly Route[], basePath: string, title: string): JsonObject => {
  const paths: Record<string, Record<string, JsonValue>> = {}
  for (const route of routes) {
    const path = route.fromRoot === true ? route.path : `${basePath}${route.path}`
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) }
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
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: { Problem: jsonSchema(problemResponse, 'output') },
    },
  }
}
