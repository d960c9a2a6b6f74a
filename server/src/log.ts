import { pino } from 'pino'
import type { DestinationStream, Logger } from 'pino'
import { currentRequest } from './request-scope.ts'

export type { Logger } from 'pino'

/** What must never be written, should it ever be handed to the log by mistake. */
const REDACTED = ['authorization', 'cookie', 'password', 'secret', 'access_token', 'refresh_token', 'token'].flatMap(
  (name) => [name, `*.${name}`, `*.*.${name}`],
)

const STDERR = 2

const standardError = (): DestinationStream => {
  const stream = pino.destination({ dest: STDERR, sync: true })
  // A terminal that has gone or a full disk must not take the server with it.
  stream.on('error', () => undefined)
  return stream
}

/**
 * The log: JSON lines on standard error, so that standard output is left to what the server says to people. Written
 * at once, because a server that dies must not take its last lines with it. What belongs to a request names it.
 */
export const createLog = (level: string, stream = standardError()): Logger =>
  pino(
    {
      level,
      base: null,
      mixin: () => ({ ...currentRequest() }),
      redact: { paths: REDACTED, censor: '[redacted]' },
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
    },
    stream,
  )
