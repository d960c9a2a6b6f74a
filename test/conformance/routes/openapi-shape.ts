import { expect } from 'vitest'
import { z } from 'zod'
import type { JsonObject } from '../../../src/core/token/json.ts'
import { ROUTES } from '../../../src/routes/table.ts'

/** The part of the OpenAPI 3.1 schema that the endpoints make use of, closed: nothing else may stand there. */

const jsonSchema = z.record(z.string(), z.unknown())

const content = z.record(z.string().regex(/^[\w.+-]+\/[\w.+-]+$/), z.strictObject({ schema: jsonSchema }))

const parameter = z.strictObject({
  name: z.string().min(1),
  in: z.enum(['query', 'path', 'header']),
  description: z.string().min(1).optional(),
  required: z.boolean(),
  schema: jsonSchema,
})

const header = z.strictObject({ description: z.string().min(1), schema: jsonSchema })

const operation = z.strictObject({
  operationId: z.string().regex(/^[a-zA-Z]+$/),
  summary: z.string().min(1),
  tags: z.array(z.string()),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z.array(parameter).min(1).optional(),
  requestBody: z.strictObject({ required: z.boolean(), content }).optional(),
  responses: z.record(
    z.string().regex(/^[1-5]\d\d$/),
    z.strictObject({
      description: z.string().min(1),
      headers: z.record(z.string(), header).optional(),
      content: content.optional(),
    }),
  ),
})

const pathItem = z.partialRecord(z.enum(['get', 'post', 'put', 'patch', 'delete']), operation)

const document = z.strictObject({
  openapi: z.literal('3.1.0'),
  info: z.strictObject({ title: z.string().min(1), version: z.string().min(1), description: z.string().optional() }),
  paths: z.record(z.string().regex(/^\/[\w./{}-]+$/), pathItem),
  components: z.strictObject({
    securitySchemes: z.record(
      z.string(),
      z.discriminatedUnion('type', [
        z.strictObject({ type: z.literal('http'), scheme: z.literal('bearer'), bearerFormat: z.string() }),
        z.strictObject({ type: z.literal('apiKey'), in: z.literal('cookie'), name: z.string().min(1) }),
      ]),
    ),
    schemas: z.record(z.string(), jsonSchema),
  }),
})

/** Every `$ref` in a JSON value. */
const referencesIn = (value: unknown): readonly string[] => {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]: [string, unknown]) =>
    name === '$ref' && typeof member === 'string' ? [member] : referencesIn(member),
  )
}

const placeholders = (path: string): readonly string[] => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '')

export const expectOpenApi = (value: JsonObject): void => {
  const { paths, components } = document.parse(value)
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, described]) => ({ path, method, ...described })),
  )
  // Every route under its method, once, and nothing besides.
  const expected = ROUTES.map((route) => `${route.method} ${route.fromRoot === true ? '' : '/auth'}${route.path}`)
  expect(operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`).toSorted()).toEqual(
    expected.toSorted(),
  )
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
  for (const { path, parameters = [], security, responses } of operations) {
    expect(parameters.filter((each) => each.in === 'path' && each.required).map(({ name }) => name)).toEqual(
      placeholders(path),
    )
    // An empty one beside another says that the token may be left out.
    const schemes = security.flatMap((scheme) => Object.keys(scheme))
    expect(security.every((scheme) => Object.keys(scheme).length < 2)).toBe(true)
    expect(Object.keys(components.securitySchemes)).toEqual(expect.arrayContaining(schemes))
    // What is guarded can be refused.
    expect('401' in responses).toBe(security.length > 0 || '401' in responses)
    for (const [status, response] of Object.entries(responses))
      expect([status, status === '204' || response.content !== undefined]).toEqual([status, true])
  }
  for (const reference of referencesIn(value)) {
    const name = /^#\/components\/schemas\/(\w+)$/.exec(reference)?.[1] ?? ''
    expect(Object.keys(components.schemas)).toContain(name)
  }
}
