import type { Connecting } from '../../auth.ts'
import type { AuthErrorCode } from '../../core/errors.ts'
import { isPromiseLike } from '../../core/maybe-promise.ts'
import type { MaybePromise } from '../../core/maybe-promise.ts'
import type { RevocationCheck } from '../../core/request/authenticate.ts'
import type { Verdict } from '../../core/request/guard.ts'
import type { Principal } from '../../core/request/principal.ts'
import { readAuthenticateMessage } from './authenticate-message.ts'
import { CLOSE_CODES, closeCodeOf } from './close-code.ts'
import type { CloseCode } from './close-code.ts'
import { createMessageGate } from './message-gate.ts'
import type { WsMessage } from './message-gate.ts'
import type { WsSocket } from './peers.ts'
import { OPEN } from './peers.ts'
import type { Watch } from './watch.ts'

/** How long the other side may take to answer a close frame. */
const CLOSING_MS = 5_000

/** What a connection needs to know of its route. */
export interface ConnectionParts<Claims, P extends string> {
  readonly emit: Connecting<Claims, P>['emit']
  readonly watch: Watch<Claims, P>
  readonly revocation: RevocationCheck
  /** Judges a token that came in a message; null where none may. */
  readonly authenticate: ((token: string | null) => MaybePromise<Verdict<Claims, P>>) | null
  readonly authenticateWithinMs: number
  /** Hands the socket over to the application, once. */
  readonly enter: (principal: Principal<Claims, P> | null) => unknown
  /** Notes who speaks over the socket from now on. */
  readonly note: (principal: Principal<Claims, P> | null) => void
}

/** One open socket and the caller behind it. */
export interface Connection<Claims, P extends string> {
  /** Begins: with its caller, with nobody (under an optional guard), or by waiting for the first message. */
  begin(caller: Principal<Claims, P> | null | 'unknown'): void
  end(code: CloseCode, reason?: string): void
}

/** Whether a further token is of the very caller who is there already. */
const isSame = <Claims, P extends string>(one: Principal<Claims, P>, other: Principal<Claims, P>): boolean =>
  one.subject === other.subject && one.sessionId === other.sessionId && one.issuer === other.issuer

const nothing = (): void => undefined

/** A timer that keeps nobody's process alive, and what stops it. */
const after = (milliseconds: number, act: () => void): (() => void) => {
  const timer = setTimeout(act, milliseconds).unref()
  return () => clearTimeout(timer)
}

/** What ends a connection, once: for the application at once, for the other side as fast as it answers. */
interface Life {
  readonly isOver: () => boolean
  readonly end: (code: CloseCode, reason?: string) => void
  readonly refuse: (code: AuthErrorCode) => void
  /** Of the application's own code. */
  readonly fail: (error: unknown) => void
}

const createLife = (socket: WsSocket, emit: Connecting<unknown, string>['emit'], cease: () => void): Life => {
  let stopTimer = nothing
  let isOver = false

  const stop = (): void => {
    isOver = true
    cease()
  }

  const end = (code: CloseCode, reason = ''): void => {
    if (isOver) return
    stop()
    if (socket.readyState !== OPEN) return
    socket.close(code, reason)
    stopTimer = after(CLOSING_MS, () => socket.terminate())
  }

  socket.on('close', () => {
    stopTimer()
    stop()
  })
  // Without a listener an error of one peer's would be everybody's: the process would end.
  socket.on('error', nothing)

  return {
    isOver: () => isOver,
    end,
    refuse: (code) => end(closeCodeOf(code), code),
    fail: (error) => {
      emit({ type: 'failure', at: 'the handler of a socket', error })
      end(CLOSE_CODES.internalError)
    },
  }
}

/** Null: nobody; `'unknown'`: nobody yet. */
type Caller<Claims, P extends string> = Principal<Claims, P> | null | 'unknown'

/** The caller of a connection, who is known by and by, and may bring a new token. */
const createCaller = <Claims, P extends string>(
  life: Life,
  { watch, revocation, enter, note }: ConnectionParts<Claims, P>,
) => {
  let caller: Caller<Claims, P> = 'unknown'
  let stopWatch = nothing

  const watchOver = (principal: Principal<Claims, P>): void => {
    stopWatch()
    stopWatch = watch.watch(principal, life.refuse, revocation)
  }

  const become = (principal: Principal<Claims, P> | null): void => {
    caller = principal
    note(principal)
    if (principal !== null) watchOver(principal)
  }

  /** The application's failures are its own, but must not end the process of all others. */
  const begin = (principal: Principal<Claims, P> | null): void => {
    become(principal)
    try {
      const entered = enter(principal)
      if (isPromiseLike(entered)) Promise.resolve(entered).catch(life.fail)
    } catch (error) {
      life.fail(error)
    }
  }

  return {
    current: (): Caller<Claims, P> => caller,
    begin,
    /** What a further message makes of the caller. */
    decide: (verdict: Verdict<Claims, P>): void => {
      if ('refusal' in verdict) return life.refuse(verdict.refusal.code)
      const { principal } = verdict
      // A lenient guard calls whoever has a bad token nobody.
      if (principal === null) return life.refuse('token_invalid')
      if (caller === 'unknown' || caller === null) return begin(principal)
      return isSame(caller, principal) ? become(principal) : life.refuse('token_invalid')
    },
    stop: (): void => stopWatch(),
  }
}

export const createConnection = <Claims, P extends string>(
  socket: WsSocket,
  parts: ConnectionParts<Claims, P>,
): Connection<Claims, P> => {
  const { emit, authenticate, authenticateWithinMs } = parts
  let stopWaiting = nothing

  const life = createLife(socket, emit, () => {
    stopWaiting()
    caller.stop()
    gate.shut()
  })
  const caller = createCaller(life, parts)

  const waitOr = (code: AuthErrorCode): void => {
    stopWaiting()
    stopWaiting = after(authenticateWithinMs, () => life.refuse(code))
  }

  const act = (verdict: Verdict<Claims, P>): void => {
    if (life.isOver() || socket.readyState !== OPEN) return
    stopWaiting()
    caller.decide(verdict)
  }

  /** Whether a message is the application's. */
  const judge = (message: WsMessage): boolean => {
    const current = caller.current()
    if (authenticate === null || current === null) return true
    const said = readAuthenticateMessage(message)
    if (said === null) {
      if (current === 'unknown') life.refuse('missing_token')
      return current !== 'unknown'
    }
    const verdict = authenticate(said.token)
    if (verdict instanceof Promise) {
      // The client has done its part; from here on it is the store that is waited for.
      if (current === 'unknown') waitOr('store_unavailable')
      gate.hold(verdict.then(act).catch(life.fail))
    } else act(verdict)
    return false
  }

  const gate = createMessageGate(socket, { judge, overflow: () => life.refuse('rate_limited') })

  return {
    begin: (first) => {
      if (first === 'unknown') waitOr('missing_token')
      else caller.begin(first)
    },
    end: life.end,
  }
}
