import { pino } from 'pino'
import type { Logger } from 'pino'

export type { Logger } from 'pino'

/** What must never be written, should it ever be handed to the log by mistake. */
const REDACTED = ['authorization', 'cookie', 'password', 'secret', 'access_token', 'refresh_token', 'token'].flatMap(
  (name) => [name, `*.${name}`, `*.*.${name}`],
)

const STDERR = 2

/**
 * The log: JSON lines on standard error, so that standard output is left to what the server says to people. Written
 * at once, because a server that dies must not take its last lines with it.
 */
export const createLog = (level: string): Logger =>
  pino(
    {
      level,
      base: null,
      redact: { paths: REDACTED, censor: '[redacted]' },
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
    },
    pino.destination({ dest: STDERR, sync: true }),
  )
