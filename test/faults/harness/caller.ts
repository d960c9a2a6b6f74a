import { createHash } from 'node:crypto'
import { WORKER_API } from './apis.ts'
import type { Api, Presents } from './apis.ts'
import { ask } from './ask.ts'
import type { Reply } from './ask.ts'
import type { Child, OperationKind, Outcome, Recorder, Target } from './history.ts'
import type { Worker } from './processes.ts'

/** Asks one process one thing, and records it. */

/** What a client has in hand after a sign-in or a refresh. */
export interface Credentials {
  readonly subject: string
  readonly sessionId: string
  readonly accessToken: string
  readonly tokenId: string
  /** On the clock of the history. */
  readonly expiresAtMs: number
  readonly refreshToken: string
  readonly generation: number
}

export interface Called {
  readonly outcome: Outcome
  readonly code: string | null
  /** Of a sign-in or refresh that was done. */
  readonly credentials: Credentials | null
}

export interface CallOptions {
  readonly limitMs?: number
  /** Default true; see `Operation`. */
  readonly isHonest?: boolean
}

const outcomeOf = ({ status }: Reply): Outcome => {
  if (status === 0) return 'failed'
  if (status < 300) return 'ok'
  // Too many requests: to be asked again.
  return status >= 500 || status === 429 ? 'unavailable' : 'refused'
}

/** The claims of a token of ours, unverified. */
const claimsOf = (token: string): Readonly<Record<string, unknown>> =>
  // Any JWT has an object there.
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

/** A NumericDate on the clock of the history. Both clocks are of this machine. */
const toHistoryMs = (seconds: unknown): number => Number(seconds) * 1000 - Date.now() + performance.now()

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** The pair of an answer, in the names of either API; all else is in the tokens. */
const credentialsOf = (subject: string, { body }: Reply): Credentials => {
  const accessToken = textOf(body['accessToken'] ?? body['access_token'])
  const refreshToken = textOf(body['refreshToken'] ?? body['refresh_token'])
  const claims = claimsOf(accessToken)
  return {
    subject,
    sessionId: textOf(claims['sid']),
    accessToken,
    tokenId: textOf(claims['jti']),
    expiresAtMs: toHistoryMs(claims['exp']),
    refreshToken,
    generation: Number(claimsOf(refreshToken)['gen']),
  }
}

const childOf = ({ refreshToken, generation }: Credentials): Child => ({
  generation,
  digest: createHash('sha256').update(refreshToken).digest('base64url').slice(0, 16),
})

const targetOf = (subject: string, held: Credentials | null, presents: Presents): Target => ({
  subject,
  sessionId: held?.sessionId ?? null,
  tokenId: presents === 'access' ? (held?.tokenId ?? null) : null,
  generation: presents === 'refresh' ? (held?.generation ?? null) : null,
  expiresAtMs: presents === 'access' ? (held?.expiresAtMs ?? null) : null,
})

/** Somebody who asks, under a name, for a subject. */
export interface Caller {
  readonly subject: string
  call(kind: OperationKind, worker: Worker, held: Credentials | null, options?: CallOptions): Promise<Called>
}

const NOTHING: Credentials = {
  subject: '',
  sessionId: '',
  accessToken: '',
  tokenId: '',
  expiresAtMs: 0,
  refreshToken: '',
  generation: 0,
}

export const createCaller = (client: string, subject: string, recorder: Recorder, api: Api = WORKER_API): Caller => ({
  subject,
  call: async (kind, worker, held, { limitMs, isHonest = true } = {}) => {
    const way = api[kind]
    if (way === undefined) throw new Error(`the API has no way to ask for ${kind}`)
    const { method, path, presents, isBearer, body } = way
    const begunMs = performance.now()
    const reply = await ask({
      port: worker.port,
      method,
      path,
      ...(isBearer ? { accessToken: held?.accessToken ?? '' } : {}),
      ...(body === null ? {} : { body: body(subject, held ?? NOTHING) }),
      ...(limitMs === undefined ? {} : { limitMs }),
    })
    const endedMs = performance.now()
    const outcome = outcomeOf(reply)
    const gives = outcome === 'ok' && (kind === 'signin' || kind === 'refresh')
    const credentials = gives ? credentialsOf(subject, reply) : null
    recorder.record({
      ...targetOf(subject, kind === 'signin' ? credentials : held, presents),
      client,
      process: worker.name,
      kind,
      begunMs,
      endedMs,
      outcome,
      code: reply.code,
      child: kind === 'refresh' && credentials !== null ? childOf(credentials) : null,
      isHonest,
    })
    return { outcome, code: reply.code, credentials }
  },
})
