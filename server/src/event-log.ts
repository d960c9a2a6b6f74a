import type { AuthEvent, EventSink } from 'jotward'
import type { Logger } from './log.ts'

/** What an attack would cause, and an honest user seldom does. */
const SUSPICIOUS: ReadonlySet<AuthEvent['type']> = new Set(['refresh.reused', 'signin.failed'])

/** Writes what happens to accounts and sessions to the log; a failure of ours as an error, with its cause. */
export const logEvents =
  (log: Logger): EventSink =>
  (event) => {
    if (event.type === 'failure') {
      log.error({ at: event.at, err: event.error }, 'answered with 503')
      return
    }
    const { type, ...ids } = event
    log[SUSPICIOUS.has(type) ? 'warn' : 'info']({ event: type, ...ids })
  }
