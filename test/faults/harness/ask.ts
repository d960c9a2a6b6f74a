import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { once } from 'node:events'

/** One request to a process, and whatever came of it. */

export interface Question {
  readonly port: number
  readonly path: string
  /** Default: POST where there is a body. */
  readonly method?: 'GET' | 'POST'
  /** Sent as JSON. */
  readonly body?: object
  readonly accessToken?: string
  /** How long an answer is waited for. */
  readonly limitMs?: number
}

/** `status` is 0 where there was no answer. */
export interface Reply {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  /** `code` of a refusal, or of what broke. */
  readonly code: string | null
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 })

const DEFAULT_LIMIT_MS = 3000

const bodyOf = async (response: IncomingMessage): Promise<Reply['body']> => {
  let text = ''
  response.setEncoding('utf8')
  for await (const chunk of response) text += String(chunk)
  const value: unknown = JSON.parse(text === '' ? '{}' : text)
  // Every answer of worker.mjs is an object.
  return value as Reply['body']
}

const codeOf = (failure: unknown): string => {
  if (!(failure instanceof Error)) return String(failure)
  return 'code' in failure && typeof failure.code === 'string' ? failure.code : failure.name
}

/** Never rejects: no answer is an answer too. */
export const ask = async ({ port, method, path, body, accessToken, limitMs }: Question): Promise<Reply> => {
  const sent = request({
    agent,
    host: '127.0.0.1',
    port,
    path,
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    signal: AbortSignal.timeout(limitMs ?? DEFAULT_LIMIT_MS),
  })
  try {
    sent.end(body === undefined ? undefined : JSON.stringify(body))
    const parts: readonly unknown[] = await once(sent, 'response')
    // The one argument of this event.
    const response = parts[0] as IncomingMessage
    const read = await bodyOf(response)
    const { code } = read
    return { status: response.statusCode ?? 0, body: read, code: typeof code === 'string' ? code : null }
  } catch (failure) {
    sent.on('error', () => undefined)
    sent.destroy()
    return { status: 0, body: {}, code: codeOf(failure) }
  }
}
