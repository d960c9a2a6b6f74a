import { expect } from 'vitest'
import type { JsonObject } from '../../../src/core/token/json.ts'
import type { Route } from '../../../src/routes/route.ts'
import { ROUTES } from '../../../src/routes/table.ts'
import type { Answer, Sent } from '../exchange.ts'

/** What the endpoints were seen to answer in the course of a suite, each time compared with what they document. */
export interface AnswerRecord {
  /** Compares one answer with the document, and remembers it. */
  note(sent: Sent, answer: Answer, openApi: JsonObject): void
  /** Codes that were answered, as `operation code`. */
  readonly refused: ReadonlySet<string>
  /** Operations that were seen to succeed. */
  readonly succeeded: ReadonlySet<string>
}

/** Codes of a route as its OpenAPI document names them, by status. */
export const documentedCodes = (openApi: JsonObject, route: Route): ReadonlyMap<number, readonly string[]> => {
  const path = route.fromRoot === true ? route.path : `/auth${route.path}`
  // The document is ours: its shape is what the tests of the document hold it to.
  const { paths } = openApi as { paths: { [path: string]: { [method: string]: { responses: JsonObject } } } }
  const { responses } = paths[path]?.[route.method.toLowerCase()] ?? { responses: {} }
  const described = Object.entries(responses) as [string, { description: string }][]
  return new Map(described.map(([status, { description }]) => [Number(status), description.split(', ')]))
}

const isMatch = (route: Route, { method, path, body }: Sent): boolean => {
  const pattern = (route.fromRoot === true ? route.path : `/auth${route.path}`).replaceAll(
    /\{\w+\}/g,
    '(?!\\.{1,2}$)[A-Za-z0-9._~-]+',
  )
  const used = method ?? (body === undefined ? 'GET' : 'POST')
  const [pathname = ''] = path.split('?')
  return (used === 'HEAD' ? 'GET' : used) === route.method && new RegExp(`^${pattern}$`).test(pathname)
}

const codeOf = ({ text }: Answer): string => {
  // Whatever is no JSON is none of our answers.
  const { code } = (text.startsWith('{') ? JSON.parse(text) : {}) as { code?: string }
  return code ?? ''
}

/** An answer has what its schema describes, and nothing that it does not. */
const expectDescribed = ({ answer: { schema, schemaByCookie } }: Route, answer: Answer): void => {
  const body: unknown = answer.text === '' ? undefined : JSON.parse(answer.text)
  const isByCookie = schemaByCookie !== undefined && answer.header('set-cookie') !== null
  const described = isByCookie ? schemaByCookie : schema
  expect(described === undefined || body === undefined ? body : described.parse(body)).toEqual(body)
}

/** Cookies go out only with answers of which that is said, but for those that a guard renews. */
const expectCookiesDescribed = ({ cookiesWith = [], requires }: Route, { status, header }: Answer): void => {
  if (header('set-cookie') === null || (requires !== undefined && status < 300)) return
  expect(cookiesWith).toContain(status)
}

export const createRecord = (): AnswerRecord => {
  const refused = new Set<string>()
  const succeeded = new Set<string>()
  return {
    refused,
    succeeded,
    note: (sent, answer, openApi) => {
      const route = ROUTES.find((candidate) => isMatch(candidate, sent))
      if (route === undefined) return
      const documented = documentedCodes(openApi, route)
      expectCookiesDescribed(route, answer)
      expect([...documented.keys()], `${route.operation} documents its statuses`).toContain(answer.status)
      if (answer.status === route.answer.status) {
        succeeded.add(route.operation)
        expectDescribed(route, answer)
      } else if (answer.text !== '') {
        const code = codeOf(answer)
        expect(documented.get(answer.status), `${route.operation} documents its codes`).toContain(code)
        refused.add(`${route.operation} ${code}`)
      }
    },
  }
}
