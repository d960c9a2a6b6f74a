import type { NodeResponse } from './node-http.ts'
import { renewalFor, textOf, valuesOf } from './renewal.ts'

/** Cookies on Node's responses, for all the frameworks that stand on them. */

/** Renewed cookies that wait until the head of their answer is written, each guard's by themselves. */
const waiting = new WeakMap<NodeResponse, (readonly string[])[]>()

/** Adds to the cookies that the application has set before. */
export const addCookies = (response: NodeResponse, cookies: readonly string[]): void => {
  if (cookies.length === 0) return
  response.setHeader('set-cookie', [...valuesOf(response.getHeader('set-cookie')), ...cookies])
}

type HeaderValue = string | readonly string[]

/** Headers as `writeHead` takes them: an object, names and values in turn, or pairs. */
const pairsOf = (headers: object): readonly (readonly [name: string, value: HeaderValue])[] => {
  // Whatever else stands there, Node refuses it as it would have done by itself.
  if (!Array.isArray(headers)) return Object.entries(headers) as [string, HeaderValue][]
  if (Array.isArray(headers[0])) return headers as [string, HeaderValue][]
  return Array.from({ length: headers.length / 2 }, (_, index) => [
    String(headers[2 * index]),
    headers[2 * index + 1] as HeaderValue,
  ])
}

/** Sets the headers that were handed to `writeHead`, as that would: each takes the place of what was set before. */
const setHeaders = (response: NodeResponse, headers: object): void => {
  const given = new Map<string, readonly [name: string, value: HeaderValue]>()
  for (const [name, value] of pairsOf(headers)) {
    const before = given.get(name.toLowerCase())
    const all = before === undefined ? value : [...valuesOf(before[1]), ...valuesOf(value)]
    given.set(name.toLowerCase(), [name, all])
  }
  for (const [name, value] of given.values()) response.setHeader(name, value)
}

const addRenewed = (response: NodeResponse, status: number): void => {
  const renewed = waiting.get(response)
  if (renewed === undefined) return
  waiting.delete(response)
  const cookies = valuesOf(response.getHeader('set-cookie'))
  const renewal = renewalFor(renewed, { status, cookies, cacheControl: textOf(response.getHeader('cache-control')) })
  if (renewal === null) return
  response.setHeader('set-cookie', [...renewal.cookies, ...cookies])
  if (renewal.cacheControl !== null) response.setHeader('cache-control', renewal.cacheControl)
}

/**
 * Sends renewed cookies with an answer. Whether and how is decided when its head is written, for only then is it known
 * which status it has and what the handler has done with the same cookies; every way to answer comes through
 * `writeHead`, a stream's first chunk and an error's page too.
 */
export const sendRenewed = (response: NodeResponse, cookies: readonly string[]): void => {
  if (cookies.length === 0) return
  const renewed = waiting.get(response)
  if (renewed !== undefined) {
    renewed.push(cookies)
    return
  }
  waiting.set(response, [cookies])
  const writeHead = response.writeHead.bind(response)
  response.writeHead = (status, ...rest) => {
    if (!waiting.has(response)) return writeHead(status, ...rest)
    const headers = rest.find((value): value is object => typeof value === 'object' && value !== null)
    if (headers !== undefined) setHeaders(response, headers)
    addRenewed(response, status)
    return writeHead(status, ...rest.filter((value) => value !== headers))
  }
}

/** Nothing renewed goes with a refusal. */
export const forgetRenewed = (response: NodeResponse): void => {
  waiting.delete(response)
}
