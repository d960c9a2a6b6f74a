import type { Connecting } from '../auth.ts'
import { AuthError } from '../core/errors.ts'
import { whenReady } from '../core/maybe-promise.ts'
import type { MaybePromise } from '../core/maybe-promise.ts'
import type { Verdict } from '../core/request/guard.ts'
import type { Principal } from '../core/request/principal.ts'
import type { Refusal } from '../core/request/refusal.ts'
import type { Requirement } from '../core/request/requirement.ts'
import type { PrincipalUnder } from './fetch.ts'
import { createPrincipals } from './principals.ts'
import type { Principals } from './principals.ts'
import { CLOSE_CODES } from './ws/close-code.ts'
import { createConnection } from './ws/connection.ts'
import type { Connection } from './ws/connection.ts'
import { resolveWsOptions } from './ws/options.ts'
import type { ResolvedWsOptions, WsOptions } from './ws/options.ts'
import type { UpgradeListener, UpgradeRequest, WsServer, WsSocket } from './ws/peers.ts'
import { refuseUpgrade } from './ws/refuse-upgrade.ts'
import { createUpgradeJudge, guardSocket } from './ws/upgrade.ts'
import type { UpgradeJudge } from './ws/upgrade.ts'
import { createWatch } from './ws/watch.ts'
import type { OnEnd, Watch } from './ws/watch.ts'

export { CLOSE_CODES } from './ws/close-code.ts'
export type { CloseCode } from './ws/close-code.ts'
export type { WsOptions } from './ws/options.ts'
export type { UpgradeListener, UpgradeRequest, WsServer, WsSocket } from './ws/peers.ts'
export type { OnEnd } from './ws/watch.ts'

/** Guards for the WebSocket server of ws, on a server of node:http or node:https. */
export interface WsAuth<Claims, P extends string> {
  /**
   * A listener of the HTTP server's `upgrade`, which opens connections on a `WebSocketServer` made with
   * `{ noServer: true }`. A refused request is answered and never enters the handler; one for a path that is not that
   * server's is left to other listeners. A connection is closed when its token would be refused.
   *
   * @throws ConfigError for a requirement that cannot be
   */
  readonly protect: <const R extends Requirement<P, Claims>, Socket extends WsSocket, Req extends UpgradeRequest>(
    requirement: R,
    server: WsServer<Socket, Req>,
    handler: (socket: Socket, request: Req, principal: PrincipalUnder<R, Claims, P>) => unknown,
  ) => UpgradeListener<Req>
  /** Who speaks over a socket: after a renewal it is the principal of the new token. */
  readonly principal: (socket: object) => Principal<Claims, P>
  readonly optionalPrincipal: (socket: object) => Principal<Claims, P> | null
  /**
   * The same watch for whatever else lasts, a stream of events or a long poll: `onEnd` is called once, when guards would
   * refuse the caller. Stop it, by what it returns, when the request is over.
   */
  readonly watch: (principal: Principal<Claims, P>, onEnd: OnEnd) => () => void
  /** Closes every connection (1001), forgets every watch, and refuses upgrades from now on (503). */
  readonly close: () => void
}

/** What one adapter's routes have in common. */
interface Shared<Claims, P extends string> {
  readonly auth: Connecting<Claims, P>
  readonly options: ResolvedWsOptions
  readonly renewals: ReturnType<typeof createRenewals>
  readonly principals: Principals<Claims, P>
  readonly watch: Watch<Claims, P>
  readonly connections: Set<Connection<Claims, P>>
  isClosed: boolean
}

/** Somebody who was let in, nobody (under an optional guard), or somebody who is to tell. */
type Opening<Claims, P extends string> = Exclude<Verdict<Claims, P>, { readonly refusal: Refusal }> | 'waits'

/** Sends renewed cookies with the handshake: ws writes it, and asks whoever listens for further headers. */
const createRenewals = () => {
  const cookies = new WeakMap<object, readonly string[]>()
  const known = new WeakSet<object>()
  return {
    attach: <Req extends object>(server: WsServer<WsSocket, Req>): void => {
      if (known.has(server)) return
      known.add(server)
      server.on('headers', (headers, request) => {
        headers.push(...(cookies.get(request) ?? []).map((cookie) => `Set-Cookie: ${cookie}`))
      })
    },
    note: (request: object, values: readonly string[]): void => {
      if (values.length > 0) cookies.set(request, values)
    },
  }
}

/** What becomes of an open socket of a route. */
const createOpen = <Claims, P extends string, Socket extends WsSocket, Req extends UpgradeRequest>(
  { auth, options, principals, watch, connections }: Shared<Claims, P>,
  { revocation }: Requirement<P, Claims>,
  judge: UpgradeJudge<Claims, P>,
  handler: (socket: Socket, request: Req, principal: Principal<Claims, P> | null) => unknown,
) => {
  const { ways, authenticateWithinMs } = options
  return (socket: Socket, request: Req, opening: Opening<Claims, P>): void => {
    const connection = createConnection<Claims, P>(socket, {
      emit: auth.emit,
      watch,
      revocation: revocation ?? 'usual',
      authenticate: ways.has('message') ? (token) => judge.judgeMessage(request, token) : null,
      authenticateWithinMs,
      enter: (principal) => handler(socket, request, principal),
      note: (principal) => principals.set(socket, principal),
    })
    connections.add(connection)
    socket.on('close', () => connections.delete(connection))
    connection.begin(opening === 'waits' ? 'unknown' : opening.principal)
  }
}

const createListener = <Claims, P extends string, Socket extends WsSocket, Req extends UpgradeRequest>(
  shared: Shared<Claims, P>,
  server: WsServer<Socket, Req>,
  judge: UpgradeJudge<Claims, P>,
  open: (socket: Socket, request: Req, opening: Opening<Claims, P>) => void,
): UpgradeListener<Req> => {
  const { auth, renewals } = shared

  /** Whoever comes after the end is refused, and whose verdict does. */
  const decide = (request: Req): MaybePromise<Verdict<Claims, P> | 'waits'> => {
    const refuse = () => judge.refuse(request, new AuthError('overloaded'))
    if (shared.isClosed) return refuse()
    return whenReady(judge.judge(request), (verdict) => (shared.isClosed ? refuse() : verdict))
  }

  const take: UpgradeListener<Req> = (request, socket, head) => {
    const letGo = guardSocket(socket)
    const answer = (verdict: Verdict<Claims, P> | 'waits'): void => {
      if (verdict !== 'waits' && 'refusal' in verdict) return refuseUpgrade(socket, verdict.refusal)
      if (verdict !== 'waits') renewals.note(request, verdict.cookies)
      // From here on ws listens to it. A connection that has gone meanwhile it leaves alone.
      letGo()
      server.handleUpgrade(request, socket, head, (opened) => open(opened, request, verdict))
    }
    const failed = (error: unknown): void => {
      auth.emit({ type: 'failure', at: 'an upgrade', error })
      socket.destroy()
    }
    try {
      const answered = whenReady(decide(request), answer)
      if (answered instanceof Promise) answered.catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  return (request, socket, head) => {
    const isOwn = whenReady(server.shouldHandle(request), (own) => {
      if (own) take(request, socket, head)
    })
    if (isOwn instanceof Promise)
      isOwn.catch((error: unknown) => auth.emit({ type: 'failure', at: 'an upgrade', error }))
  }
}

/**
 * @example
 * const { protect } = wsAuth(auth, { origins: ['https://app.example.com'] })
 * const sockets = new WebSocketServer({ noServer: true, path: '/orders' })
 * server.on('upgrade', protect({ permissions: ['orders:read'] }, sockets, (socket, _request, principal) => {
 *   socket.send(`the orders of ${principal.subject}`)
 * }))
 *
 * @throws ConfigError with every problem of the options at once
 */
export const wsAuth = <Claims, P extends string>(
  auth: Connecting<Claims, P>,
  given: WsOptions = {},
): WsAuth<Claims, P> => {
  const options = resolveWsOptions(given)
  const principals = createPrincipals<Claims, P>()
  const watch = createWatch(auth, options)
  const connections = new Set<Connection<Claims, P>>()
  const shared: Shared<Claims, P> = {
    auth,
    options,
    principals,
    watch,
    connections,
    renewals: createRenewals(),
    isClosed: false,
  }

  const protect = <const R extends Requirement<P, Claims>, Socket extends WsSocket, Req extends UpgradeRequest>(
    requirement: R,
    server: WsServer<Socket, Req>,
    handler: (socket: Socket, request: Req, principal: PrincipalUnder<R, Claims, P>) => unknown,
  ): UpgradeListener<Req> => {
    const judge = createUpgradeJudge<Claims, P>(auth, requirement, options)
    shared.renewals.attach(server)
    const enter = (socket: Socket, request: Req, principal: Principal<Claims, P> | null): unknown =>
      // The guard returns null only where the requirement is optional, which is what the type says.
      handler(socket, request, principal as PrincipalUnder<R, Claims, P>)
    return createListener(shared, server, judge, createOpen(shared, requirement, judge, enter))
  }

  return {
    protect,
    principal: principals.principal,
    optionalPrincipal: principals.optionalPrincipal,
    watch: (principal, onEnd) => watch.watch(principal, onEnd),
    close: () => {
      shared.isClosed = true
      for (const connection of connections) connection.end(CLOSE_CODES.goingAway)
      watch.close()
    },
  }
}
