import type { ServerResponse } from 'node:http'

/** Answers of handlers that are more than JSON with 200, told in the words that all frameworks share. */

const isReply = Symbol('reply')

/** What a handler answers that is more than JSON with 200; each framework is told in its own words. */
export interface Reply {
  readonly [isReply]: true
  /** Default 200. */
  readonly status: number
  readonly cookies: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  /**
   * `plain`: by what the framework has for status, headers and cookies; `whole`: head and body at once, which is a
   * Response or Node's `writeHead`; `stream`: in several pieces; `shared`: one Response without a body for all requests,
   * where there are Responses; `error`: thrown; `page`: a template that tells the subject of `principal`.
   */
  readonly how: 'plain' | 'whole' | 'stream' | 'shared' | 'error' | 'page'
}

export const reply = (how: Reply['how'], parts: Partial<Omit<Reply, 'how'>> = {}): Reply => ({
  [isReply]: true,
  status: 200,
  cookies: [],
  headers: {},
  ...parts,
  how,
})

/** What a handler has returned, read: a value that is answered as JSON is a plain reply. */
export const readReply = (value: unknown): { readonly answer: Reply; readonly text: string } =>
  typeof value === 'object' && value !== null && isReply in value
    ? // Nobody else has the symbol.
      { answer: value as Reply, text: '"replied"' }
    : { answer: reply('plain', { headers: { 'content-type': 'application/json' } }), text: JSON.stringify(value) }

/** What a template makes of its locals. */
export const renderPage = (locals: object): string => {
  const principal: unknown = Reflect.get(locals, 'principal')
  if (principal === undefined) return 'nothing is known of a caller'
  return `page of ${principal === null ? 'nobody' : String(Reflect.get(Object(principal), 'subject'))}`
}

const SHARED = new Response(null, { status: 204 })

/** The answer of whoever speaks Request and Response. */
export const toResponse = ({ status, headers, cookies, how }: Reply, text: string): Response => {
  if (how === 'error') throw new Error('the handler fails')
  if (how === 'shared') return SHARED
  const body = how === 'stream' ? new Blob(['"rep', 'lied"']).stream() : text
  const response = new Response(status === 204 ? null : body, { status, headers })
  for (const cookie of cookies) response.headers.append('set-cookie', cookie)
  return response
}

/** The answer of whoever has Node's own response. */
export const answerOnNode = (
  response: ServerResponse,
  { status, headers, cookies, how }: Reply,
  text: string,
): void => {
  if (how === 'error') throw new Error('the handler fails')
  if (how === 'whole') {
    response.writeHead(status, { ...headers, ...(cookies.length === 0 ? {} : { 'Set-Cookie': [...cookies] }) })
    response.end(text)
    return
  }
  response.statusCode = how === 'shared' ? 204 : status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  for (const cookie of cookies) response.appendHeader('set-cookie', cookie)
  if (how === 'stream') response.write('"rep')
  response.end(how === 'stream' ? 'lied"' : text)
}
