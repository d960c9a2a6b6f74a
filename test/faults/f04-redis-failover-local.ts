import { setTimeout as after } from 'node:timers/promises'
import { hasReplica, waitUntil } from '../stores/redis-server.ts'
import type { RevocableToken } from '../../src/core/session/revocation-set.ts'
import { findBreaches } from './harness/checker.ts'
import type { Breach, BreachKind } from './harness/checker.ts'
import type { Fault, Findings, Measure } from './harness/fault.ts'
import { count, span } from './harness/figures.ts'
import { TOLERANCE_MS } from './harness/processes.ts'
import { underLoad, untilOver } from './harness/under-load.ts'
import type { Bed } from './harness/under-load.ts'
import { kill, startChain } from './redis/chain.ts'
import type { Chain } from './redis/chain.ts'
import { present, revoke, signIn } from './redis/held.ts'
import { openLine, PATIENT } from './redis/line.ts'
import type { Line } from './redis/line.ts'
import { askServer } from './redis/lost.ts'

const EVERY_MS = 8000
const DEAF_MS = 500

/** Longer than elsewhere: within it a busy process must find the new primary and tell it everything. */
const LEASE_MS = 3000
const REPLICATION = { lease: '3s', pollMs: 50 } as const
const REVOKED = 24

/** Of these so many are presented to the processes meanwhile: some of each kind. */
const PRESENTED = 8

/** Longest that all that was lost is waited for. */
const LIMIT_MS = 20_000

interface Failover {
  /** From here on the replica lacks what is acknowledged. */
  readonly deafMs: number
  /** By then every process has told the new primary all of its own. */
  readonly toldMs: number
  readonly lost: number
  /** Of those, one lease later. */
  readonly lostAfterLease: number
  readonly healedAfterMs: number
}

type Server = ReturnType<typeof askServer>

/** Asks the new primary until it has been told everything again. */
const watch = async (server: Server, revoked: readonly RevocableToken[], lost: number) => {
  const leadMs = performance.now()
  let [lostAfterLease, left] = [lost, lost]
  while (left > 0) {
    const passedMs = performance.now() - leadMs
    if (passedMs > LIMIT_MS) throw new Error(`${left} acknowledged revocations were never told to the new primary`)
    await after(20)
    left = await server.countAccepted(revoked)
    if (passedMs < LEASE_MS) lostAfterLease = left
  }
  return { lost, lostAfterLease, healedAfterMs: performance.now() - leadMs }
}

const failOver = async (bed: Bed, chain: Chain, line: Line): Promise<Failover> => {
  const held = await signIn(bed, bed.workers, REVOKED)
  // They are to be known to the replica: it is their revocation that gets lost.
  await waitUntil('their replication', () => hasReplica(chain.primary))
  const before = askServer(chain.primary)
  const revoked = await before.tokensOf(held).finally(() => before.end())
  await chain.cutOff()
  bed.incident('the replica hears no more')
  const deafMs = performance.now()
  await revoke(bed.workers, held)
  await after(DEAF_MS)
  await kill(chain.primary)
  const former = await chain.promote()
  const server = askServer(chain.primary)
  try {
    const lost = await server.countAccepted(revoked)
    line.lead(chain.primary)
    bed.incident(`its replica takes over, without ${lost} of ${REVOKED} revocations`)
    const presented = present(bed.workers, held.slice(0, PRESENTED), performance.now() + LEASE_MS + 500)
    const [told] = await Promise.all([watch(server, revoked, lost), presented])
    const toldMs = performance.now()
    await former.restart()
    await chain.rejoin(former)
    return { deafMs, toldMs, ...told }
  } finally {
    server.end()
  }
}

/**
 * Sign-ins that the replica may not have heard of are over with the primary, where nobody waits for the replica. And those
 * that come before the new primary has been told again of a subject's revocation are ended by it.
 */
const lostSessions = ({ recorder }: Bed, failovers: readonly Failover[]): readonly string[] =>
  recorder.operations.flatMap(({ kind, sessionId, begunMs, endedMs }) => {
    const isLost = failovers.some(({ deafMs, toldMs }) => endedMs >= deafMs && begunMs <= toldMs)
    return kind === 'signin' && sessionId !== null && isLost ? [sessionId] : []
  })

const FALSE: ReadonlySet<BreachKind> = new Set(['false_logout', 'false_refusal'])

const isOfLostSession = ({ kind, evidence }: Breach, sessions: ReadonlySet<string>): boolean =>
  FALSE.has(kind) && evidence.every(({ sessionId }) => sessions.has(sessionId ?? ''))

/** A refresh asks the store, so it can pass until its process has heard that the store is another one. */
const refreshedMeanwhile = ({ recorder }: Bed): number => {
  const breaches = findBreaches(recorder, { leaseMs: LEASE_MS, refreshLeaseMs: 0, toleranceMs: TOLERANCE_MS })
  return breaches.filter(({ kind }) => kind === 'revoked_refreshed').length
}

const measures = (bed: Bed, failovers: readonly Failover[]): readonly Measure[] => {
  const sum = (of: (failover: Failover) => number): number => failovers.reduce((all, one) => all + of(one), 0)
  return [
    count('acknowledged revocations at risk', failovers.length * REVOKED),
    count(
      'of them lost by the store',
      sum(({ lost }) => lost),
    ),
    count(
      'of them lost one lease later',
      sum(({ lostAfterLease }) => lostAfterLease),
      0,
    ),
    count('refreshes of revoked sessions before their process knew', refreshedMeanwhile(bed)),
    span('until all were told again, max', Math.max(...failovers.map(({ healedAfterMs }) => healedAfterMs)), LEASE_MS),
  ]
}

/** As F3, where the store acknowledges at once: it loses, and the processes that live tell it again. */
export const redisFailoverLocal: Fault = {
  name: 'F4',
  title: 'Redis primary killed behind a cut-off replica that is promoted, durability local',
  permitted: 'the loss is counted; re-assertion brings it to 0 while the processes live; sign-ins may be lost',
  run: async (round) => {
    const chain = await startChain(round, 2)
    const line = await openLine(round, chain.primary)
    const failovers: Failover[] = []
    const sessions = new Set<string>()
    const settings = { store: line.store, refreshToken: PATIENT, replication: REPLICATION }
    // From the loss on; `refreshedMeanwhile` counts all of it.
    const bounds = { leaseMs: LEASE_MS, refreshLeaseMs: DEAF_MS + LEASE_MS }
    const findings: Findings = await underLoad('F4', round, { settings, bounds }, async (bed) => {
      await untilOver(bed, EVERY_MS, async () => {
        failovers.push(await failOver(bed, chain, line))
        await after(500)
      })
      if (failovers.every(({ lost }) => lost === 0)) throw new Error('nothing was lost, so nothing was tried')
      for (const session of lostSessions(bed, failovers)) sessions.add(session)
      return measures(bed, failovers)
    })
    const breaches = findings.breaches.filter((breach) => !isOfLostSession(breach, sessions))
    const lostSignIns = count(
      'sign-ins lost, or ended by what was told again',
      findings.breaches.length - breaches.length,
    )
    return {
      ...findings,
      breaches,
      measures: [...findings.measures, lostSignIns],
    }
  },
}
