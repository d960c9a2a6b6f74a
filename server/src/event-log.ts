import type { EventSink } from 'jotward'
import type { Logger } from './log.ts'

/** Writes what happens to accounts and sessions to the log; a failure of ours as an error, with its cause. */
export const logEvents =
  (log: Logger): EventSink =>
  (event) => {
    if (event.type === 'failure') {
      log.error({ at: event.at, err: event.error }, 'answered with 503')
      return
    }
    const { type, ...ids } = event
    log.info({ event: type, ...ids })
  }
