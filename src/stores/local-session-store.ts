import { beginSession, byRecency, ended, isLive, overflow, suspended } from '../core/session/lifecycle.ts'
import { decideRotation } from '../core/session/rotation.ts'
import type { Presentation } from '../core/session/rotation.ts'
import type { Session, SessionState, Stamp } from '../core/session/session.ts'
import type {
  Creation,
  Ending,
  Rotation,
  RevocationPolicy,
  SessionReference,
  SessionStore,
} from '../ports/session-store.ts'

/**
 * Where sessions and revocations lie when they can be read and written without waiting: the part in which the memory
 * and the SQLite store differ.
 */
export interface LocalTables {
  /** The store's clock, in milliseconds. */
  readonly now: () => number
  /** Runs `work` as one atomic write: all of it is kept, or nothing, and nobody writes in between. */
  atomically<T>(operation: string, work: () => T): T
  /** Runs `work`, which only reads. */
  reading<T>(operation: string, work: () => T): T
  get(id: string): Session | null
  /** The subject's sessions that have neither ended nor expired, in any order. */
  ofSubject(subject: string): readonly Session[]
  insert(session: Session): void
  write(id: string, state: SessionState): void
  epochs(subject: string): Stamp
  /** Whether the log holds a session as revoked. */
  isListed(id: string): boolean
  /** Appends a session's entry to the revocation log. */
  announce(id: string, revoked: boolean, expiresAtMs: number): void
}

type RotatePolicy = Parameters<SessionStore['rotate']>[1]

const createRotate = (tables: LocalTables): SessionStore['rotate'] => {
  const judge = (presented: Presentation, policy: RotatePolicy) => {
    // The clock first: a process that is stopped between two reads must not go on with a time after the row's.
    const nowMs = tables.now()
    const session = tables.get(presented.sessionId)
    if (session === null) return null
    const snapshot = { session, epochs: tables.epochs(session.subject), nowMs }
    return { ...snapshot, ...decideRotation(snapshot, presented, policy) }
  }

  const answer = (judged: NonNullable<ReturnType<typeof judge>>): Rotation => {
    const { outcome, next, session, nowMs } = judged
    if (outcome === 'unknown' || outcome === 'revoked' || outcome === 'key_mismatch') return { outcome }
    return { outcome, session: next === null ? session : { ...session, state: next }, nowMs }
  }

  return (presented, policy) => {
    // Most presentations of a storm are replays: they change nothing, so they need not queue for the write lock.
    const glance = tables.reading('reading a session', () => judge(presented, policy))
    if (glance === null) return { outcome: 'unknown' }
    if (glance.next === null) return answer(glance)
    return tables.atomically('rotating a session', () => {
      const judged = judge(presented, policy)
      if (judged === null) return { outcome: 'unknown' }
      if (judged.next !== null) tables.write(judged.session.id, judged.next)
      if (judged.outcome === 'reused') {
        tables.announce(judged.session.id, true, judged.nowMs + policy.retention * 1000)
      }
      return answer(judged)
    })
  }
}

const createCreate =
  (tables: LocalTables, liveOf: (subject: string) => readonly Session[]): SessionStore['create'] =>
  (wanted, policy) =>
    tables.atomically('creating a session', (): Creation => {
      if (tables.get(wanted.id) !== null) return { outcome: 'exists' }
      const epochs = tables.epochs(wanted.subject)
      if (epochs.subject !== wanted.stamp.subject || epochs.global !== wanted.stamp.global)
        return { outcome: 'outdated' }
      const nowMs = tables.now()
      const evicted = overflow(liveOf(wanted.subject), policy.maxPerSubject)
      for (const { id, state } of evicted) {
        tables.write(id, ended(state, 'evicted', nowMs))
        tables.announce(id, true, nowMs + policy.retention * 1000)
      }
      const session = beginSession(wanted, nowMs)
      tables.insert(session)
      return { outcome: 'created', session, nowMs, evicted: evicted.map(({ id }) => id) }
    })

/** The session store over local tables: decisions of the core, each inside one atomic operation. */
export const localSessionStore = (tables: LocalTables): SessionStore => {
  const liveOf = (subject: string): readonly Session[] => {
    const epochs = tables.epochs(subject)
    const nowMs = tables.now()
    return tables.ofSubject(subject).filter((session) => isLive(session, epochs, nowMs))
  }

  /** Changes a session that has not ended, and tells the log. */
  const settle = (
    { id, subject }: SessionReference,
    revoked: boolean,
    { retention }: RevocationPolicy,
    change: (state: SessionState, nowMs: number) => SessionState,
  ): Ending => {
    const nowMs = tables.now()
    const session = tables.get(id)
    if (session !== null && session.subject !== subject) return 'foreign'
    if (session !== null && session.state.endedAtMs !== null) return 'already'
    // A row that the store has lost still has access tokens at large, so the log is told all the same; but not that
    // they are good again, for the lost row may have ended.
    if (session === null && (!revoked || tables.isListed(id))) return 'already'
    if (session !== null) tables.write(id, change(session.state, nowMs))
    tables.announce(id, revoked, nowMs + retention * 1000)
    return 'ended'
  }

  return {
    create: createCreate(tables, liveOf),
    rotate: createRotate(tables),
    find: (id) =>
      tables.reading('finding a session', () => {
        const session = tables.get(id)
        return session !== null && isLive(session, tables.epochs(session.subject), tables.now()) ? session : null
      }),
    list: (subject) => tables.reading('listing sessions', () => liveOf(subject).toSorted(byRecency)),
    end: (reference, policy) =>
      tables.atomically('ending a session', () =>
        settle(reference, true, policy, (state, nowMs) => ended(state, reference.reason, nowMs)),
      ),
    suspend: (reference, policy) => {
      tables.atomically('suspending a session', () =>
        settle(reference, reference.suspended, policy, (state, nowMs) => suspended(state, reference.suspended, nowMs)),
      )
    },
  }
}
