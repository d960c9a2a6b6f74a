import type { Connecting } from '../../auth.ts'
import { AuthError } from '../../core/errors.ts'
import type { AuthErrorCode } from '../../core/errors.ts'
import { isPromiseLike } from '../../core/maybe-promise.ts'
import type { MaybePromise } from '../../core/maybe-promise.ts'
import type { RevocationCheck } from '../../core/request/authenticate.ts'
import type { Principal } from '../../core/request/principal.ts'
import { createAskQueue } from './ask-queue.ts'

/**
 * Is told, once, why a caller may not stay: `token_expired`, `token_revoked`, `store_unavailable` past all patience, or
 * what `hooks.isRevoked` refuses with.
 */
export type OnEnd = (code: AuthErrorCode) => void

export interface Watch<Claims, P extends string> {
  /** Watches over a caller until `onEnd` is called, or what is returned. */
  readonly watch: (principal: Principal<Claims, P>, onEnd: OnEnd, revocation?: RevocationCheck) => () => void
  /** Forgets everybody. */
  readonly close: () => void
}

export interface WatchTimes {
  readonly everyMs: number
  readonly patienceMs: number
}

interface Entry<Claims, P extends string> {
  readonly principal: Principal<Claims, P>
  readonly onEnd: OnEnd
  readonly revocation: RevocationCheck
  /** Since when the store owes an answer, by the monotonic clock; null where it owes none. */
  owedSinceMs: number | null
}

/** A store that fails is told to the operator no more often. */
const TELL_EVERY_MS = 10_000

const createTell = (emit: Connecting<unknown, string>['emit']) => {
  let toldAtMs = Number.NEGATIVE_INFINITY
  return (error: unknown): void => {
    const nowMs = performance.now()
    if (nowMs - toldAtMs < TELL_EVERY_MS) return
    toldAtMs = nowMs
    emit({ type: 'failure', at: 'watching over connections', error })
  }
}

interface Outcomes<Claims, P extends string> {
  readonly settle: (entry: Entry<Claims, P>, revoked: boolean) => void
  readonly fail: (entry: Entry<Claims, P>, error: unknown) => void
}

/** Asks for one caller, and waits only where the store has to. */
const askAbout = <Claims, P extends string>(
  validity: Connecting<Claims, P>['validity'],
  entry: Entry<Claims, P>,
  { settle, fail }: Outcomes<Claims, P>,
): MaybePromise<void> => {
  try {
    const answer = validity.isRevoked(entry.principal, entry.revocation)
    if (!isPromiseLike(answer)) return settle(entry, answer)
    return Promise.resolve(answer).then(
      (revoked) => settle(entry, revoked),
      (error: unknown) => fail(entry, error),
    )
  } catch (error) {
    return fail(entry, error)
  }
}

/** All who are watched over, and what becomes of them. */
const createRoster = <Claims, P extends string>(
  { validity, emit }: Connecting<Claims, P>,
  { patienceMs }: WatchTimes,
) => {
  type Watched = Entry<Claims, P>
  const entries = new Set<Watched>()
  const tell = createTell(emit)

  const remove = (entry: Watched): boolean => {
    queue.release(entry)
    return entries.delete(entry)
  }

  const end = (entry: Watched, code: AuthErrorCode): void => {
    if (!remove(entry)) return
    try {
      entry.onEnd(code)
    } catch (error) {
      emit({ type: 'failure', at: 'the end of a watch', error })
    }
  }

  const settle = (entry: Watched, revoked: boolean): void => {
    entry.owedSinceMs = null
    if (revoked) end(entry, 'token_revoked')
  }

  const fail = (entry: Watched, error: unknown): void => {
    if (error instanceof AuthError && error.status < 500) end(entry, error.code)
    else tell(error)
  }

  const queue = createAskQueue((entry: Watched) =>
    entries.has(entry) ? askAbout(validity, entry, { settle, fail }) : undefined,
  )

  return {
    entries,
    remove,
    /** Ends those whose time has come, and tells in how many milliseconds it comes for the next one. */
    look: (nowMs: number): number => {
      let dueMs = Number.POSITIVE_INFINITY
      for (const entry of entries) {
        const leftMs = validity.secondsLeft(entry.principal) * 1000
        const patienceLeftMs = entry.owedSinceMs === null ? patienceMs : entry.owedSinceMs + patienceMs - nowMs
        // So put that a clock which tells no number ends it.
        if (!(leftMs > 0)) end(entry, 'token_expired')
        else if (patienceLeftMs <= 0) end(entry, 'store_unavailable')
        else dueMs = Math.min(dueMs, leftMs, patienceLeftMs)
      }
      return dueMs
    },
    /** Asks about everybody. The answer is owed from now on, whenever the question is put. */
    askAll: (nowMs: number): void => {
      for (const entry of entries) entry.owedSinceMs ??= nowMs
      queue.begin(entries)
    },
  }
}

/**
 * One timer for all callers who stay: it ends them when guards would refuse their tokens. Expiry is met to the
 * millisecond. The store is asked about everybody every so often; one that fails, or does not answer, is borne with for
 * as long as `patienceMs`: so nobody who was revoked stays longer than both together.
 */
export const createWatch = <Claims, P extends string>(
  auth: Connecting<Claims, P>,
  times: WatchTimes,
): Watch<Claims, P> => {
  const roster = createRoster(auth, times)
  let timer: NodeJS.Timeout | null = null
  let wakesAtMs = Number.POSITIVE_INFINITY
  let nextRoundMs = 0

  const stop = (): void => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    wakesAtMs = Number.POSITIVE_INFINITY
  }

  const wakeAt = (atMs: number, nowMs: number): void => {
    if (atMs >= wakesAtMs) return
    stop()
    wakesAtMs = atMs
    // Nobody's process is kept alive by it.
    timer = setTimeout(tick, Math.ceil(Math.max(0, atMs - nowMs))).unref()
  }

  const tick = (): void => {
    stop()
    const nowMs = performance.now()
    const dueMs = roster.look(nowMs)
    if (roster.entries.size === 0) return
    if (nowMs >= nextRoundMs) {
      nextRoundMs = nowMs + times.everyMs
      roster.askAll(nowMs)
    }
    wakeAt(Math.min(nowMs + dueMs, nextRoundMs), nowMs)
  }

  return {
    watch: (principal, onEnd, revocation = 'usual') => {
      const entry = { principal, onEnd, revocation, owedSinceMs: null }
      const nowMs = performance.now()
      if (roster.entries.size === 0) nextRoundMs = nowMs + times.everyMs
      roster.entries.add(entry)
      wakeAt(Math.min(nowMs + auth.validity.secondsLeft(principal) * 1000, nextRoundMs), nowMs)
      return () => {
        if (roster.remove(entry) && roster.entries.size === 0) stop()
      }
    },
    close: () => {
      for (const entry of roster.entries) roster.remove(entry)
      stop()
    },
  }
}
