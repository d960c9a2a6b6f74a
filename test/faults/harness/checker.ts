import type { History, Operation, OperationKind } from './history.ts'

/**
 * Decides after a round what went wrong in it: a pure function of the history. What was not answered, or answered 503, may
 * or may not have been done, at any time from its beginning on, and is held against nobody.
 */

export type BreachKind =
  /** An access token was accepted although its revocation had been acknowledged for longer than a lease. */
  | 'revoked_accepted'
  /** A refresh token was exchanged although its revocation had been acknowledged. */
  | 'revoked_refreshed'
  /** An honest client was refused its refresh though nothing had ended its session. */
  | 'false_logout'
  /** An access token was called revoked though nothing had revoked it. */
  | 'false_refusal'
  /** One generation of a session had two values, or a refresh gave a generation that does not follow. */
  | 'forked'
  | 'expired_accepted'

export interface Breach {
  readonly kind: BreachKind
  /** A sentence for people. */
  readonly what: string
  /** The operations that show it together, in the order of time. */
  readonly evidence: readonly Operation[]
}

/** What is permitted. Milliseconds. */
export interface Bounds {
  /** For how long after its acknowledgement a revocation may be unknown to a process. */
  readonly leaseMs: number
  /** The same of a refresh, which asks the store: 0 unless the store itself may have lost something. */
  readonly refreshLeaseMs?: number
  /** How long after its expiry an access token may pass: the tolerance of guards. */
  readonly toleranceMs: number
}

const REVOCATIONS: ReadonlySet<OperationKind> = new Set(['signout', 'revokeToken', 'revokeSession', 'revokeSubject'])

const isRevocation = ({ kind }: Operation): boolean => REVOCATIONS.has(kind)

/** Whether it may have been done, then or later. */
const mayHaveHappened = ({ outcome }: Operation): boolean => outcome !== 'refused'

/** When a session's sign-in began and ended. */
interface SignIn {
  readonly begunMs: number
  readonly endedMs: number
}

interface Index {
  readonly signIns: ReadonlyMap<string, SignIn>
  /** Revocations by what they end. */
  readonly ofToken: ReadonlyMap<string, readonly Operation[]>
  readonly ofSession: ReadonlyMap<string, readonly Operation[]>
  readonly ofSubject: ReadonlyMap<string, readonly Operation[]>
}

const groupBy = (
  operations: readonly Operation[],
  keyOf: (operation: Operation) => string | null,
): ReadonlyMap<string, readonly Operation[]> => {
  const groups = new Map<string, Operation[]>()
  for (const operation of operations) {
    const key = keyOf(operation)
    if (key === null) continue
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [operation])
    else group.push(operation)
  }
  return groups
}

const indexOf = (operations: readonly Operation[]): Index => {
  const signIns = new Map<string, SignIn>()
  for (const { kind, outcome, sessionId, begunMs, endedMs } of operations) {
    if (kind === 'signin' && outcome === 'ok' && sessionId !== null) signIns.set(sessionId, { begunMs, endedMs })
  }
  const revocations = operations.filter((operation) => isRevocation(operation) && mayHaveHappened(operation))
  return {
    signIns,
    ofToken: groupBy(revocations, ({ kind, tokenId }) => (kind === 'revokeToken' ? tokenId : null)),
    ofSession: groupBy(revocations, ({ kind, sessionId }) =>
      kind === 'signout' || kind === 'revokeSession' ? sessionId : null,
    ),
    ofSubject: groupBy(revocations, ({ kind, subject }) => (kind === 'revokeSubject' ? subject : null)),
  }
}

const inOrder = (...operations: readonly Operation[]): readonly Operation[] =>
  operations.toSorted((a, b) => a.begunMs - b.begunMs)

const listed = (map: ReadonlyMap<string, readonly Operation[]>, key: string | null): readonly Operation[] =>
  key === null ? [] : (map.get(key) ?? [])

/** Revocations that must have reached what is presented: all but those of a subject that a sign-in overlaps or follows. */
const certainEnds = (index: Index, presented: Operation): readonly Operation[] => {
  const signIn = index.signIns.get(presented.sessionId ?? '')
  const ofSubject = listed(index.ofSubject, presented.subject).filter(
    ({ begunMs }) => signIn !== undefined && signIn.endedMs < begunMs,
  )
  const ofToken = presented.kind === 'refresh' ? [] : listed(index.ofToken, presented.tokenId)
  const all = [...ofToken, ...listed(index.ofSession, presented.sessionId), ...ofSubject]
  return all.filter(({ outcome }) => outcome === 'ok')
}

/** Revocations that may explain a refusal. */
const possibleEnds = (index: Index, refused: Operation): readonly Operation[] => {
  const signIn = index.signIns.get(refused.sessionId ?? '')
  const ofSubject = listed(index.ofSubject, refused.subject).filter(
    // One that was not acknowledged may have been done after the sign-in.
    ({ outcome, endedMs }) => signIn === undefined || outcome !== 'ok' || endedMs >= signIn.begunMs,
  )
  const ofToken = refused.kind === 'refresh' ? [] : listed(index.ofToken, refused.tokenId)
  const all = [...ofToken, ...listed(index.ofSession, refused.sessionId), ...ofSubject]
  return all.filter(({ begunMs }) => begunMs < refused.endedMs)
}

const acceptedThoughRevoked = (index: Index, operation: Operation, bounds: Bounds): Breach | null => {
  if (operation.outcome !== 'ok') return null
  const isRefresh = operation.kind === 'refresh'
  if (!isRefresh && operation.kind !== 'check') return null
  const allowedMs = isRefresh ? (bounds.refreshLeaseMs ?? 0) : bounds.leaseMs
  const end = certainEnds(index, operation).find(({ endedMs }) => operation.begunMs > endedMs + allowedMs)
  if (end === undefined) return null
  const after = Math.round(operation.begunMs - end.endedMs)
  return {
    kind: isRefresh ? 'revoked_refreshed' : 'revoked_accepted',
    what: `${operation.kind} was answered by ${operation.process} ${after} ms after ${end.kind} was acknowledged`,
    evidence: inOrder(end, operation),
  }
}

const refusedThoughAlive = (index: Index, operation: Operation): Breach | null => {
  if (operation.outcome !== 'refused' || possibleEnds(index, operation).length > 0) return null
  const { kind, code, process } = operation
  if (kind === 'refresh' && operation.isHonest) {
    return { kind: 'false_logout', what: `${process} refused a refresh: ${code}`, evidence: [operation] }
  }
  if (kind === 'check' && code === 'token_revoked') {
    return { kind: 'false_refusal', what: `${process} called a live token revoked`, evidence: [operation] }
  }
  return null
}

const acceptedThoughExpired = (operation: Operation, { toleranceMs }: Bounds): Breach | null => {
  const { kind, outcome, expiresAtMs, begunMs, process } = operation
  if (outcome !== 'ok' || expiresAtMs === null || (kind !== 'check' && kind !== 'open')) return null
  const over = Math.round(begunMs - expiresAtMs - toleranceMs)
  if (over <= 0) return null
  const what = `${process} accepted a token ${over} ms beyond its expiry and the tolerance`
  return { kind: 'expired_accepted', what, evidence: [operation] }
}

/** The token after next is the most that a refresh may give: what was lost on the way is given again. */
const FURTHEST = 2

const forks = (operations: readonly Operation[]): readonly Breach[] => {
  const known = new Map<string, Operation>()
  const breaches: Breach[] = []
  for (const operation of operations) {
    const { child, sessionId, generation, kind } = operation
    if (kind !== 'refresh' || child === null || generation === null) continue
    const steps = child.generation - generation
    if (steps < 0 || steps > FURTHEST) {
      const what = `generation ${generation} became ${child.generation}`
      breaches.push({ kind: 'forked', what, evidence: [operation] })
    }
    const name = `${sessionId}.${child.generation}`
    const other = known.get(name)
    if (other === undefined) known.set(name, operation)
    else if (other.child?.digest !== child.digest) {
      const what = `generation ${child.generation} of one session has two values`
      breaches.push({ kind: 'forked', what, evidence: inOrder(other, operation) })
    }
  }
  return breaches
}

/** All that a history shows to have gone wrong. */
export const findBreaches = ({ operations }: Pick<History, 'operations'>, bounds: Bounds): readonly Breach[] => {
  const index = indexOf(operations)
  const each = operations.flatMap((operation) => [
    acceptedThoughRevoked(index, operation, bounds),
    refusedThoughAlive(index, operation),
    acceptedThoughExpired(operation, bounds),
  ])
  return [...each.filter((breach) => breach !== null), ...forks(operations)]
}

/** How much there was of what: a history that shows nothing proves nothing. */
export interface Tally {
  readonly operations: number
  readonly refreshes: number
  readonly checks: number
  /** Acknowledged. */
  readonly revocations: number
  /** Presentations of something revoked that were refused. */
  readonly refusals: number
  readonly unavailable: number
  readonly failed: number
}

export const tally = ({ operations }: Pick<History, 'operations'>): Tally => {
  const count = (isSo: (operation: Operation) => boolean): number => operations.filter(isSo).length
  return {
    operations: operations.length,
    refreshes: count(({ kind, outcome }) => kind === 'refresh' && outcome === 'ok'),
    checks: count(({ kind, outcome }) => kind === 'check' && outcome === 'ok'),
    revocations: count((operation) => isRevocation(operation) && operation.outcome === 'ok'),
    refusals: count(({ kind, outcome }) => (kind === 'check' || kind === 'refresh') && outcome === 'refused'),
    unavailable: count(({ outcome }) => outcome === 'unavailable'),
    failed: count(({ outcome }) => outcome === 'failed'),
  }
}
