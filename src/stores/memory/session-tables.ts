import type { Session } from '../../core/session/session.ts'
import type { LocalTables } from '../local-session-store.ts'
import type { MemoryState } from './memory-state.ts'

const PRUNE_EVERY = 1024

/**
 * Sessions in maps, by id and by subject. They are copied on their way in and out, so that nobody changes the store by
 * changing what they hold.
 */
export const memorySessionTables = (state: MemoryState): LocalTables => {
  const sessions = new Map<string, Session>()
  /** Without those that have ended: a subject may leave any number of tombstones. */
  const bySubject = new Map<string, Set<string>>()
  let insertions = 0

  const unlist = ({ id, subject }: Session): void => {
    const ids = bySubject.get(subject)
    ids?.delete(id)
    if (ids?.size === 0) bySubject.delete(subject)
  }

  /** Tombstones may go once no token of theirs can pass for authentic and alive. */
  const prune = (nowMs: number): void => {
    for (const session of sessions.values()) {
      if (nowMs < session.absoluteExpiresAt * 1000) continue
      sessions.delete(session.id)
      unlist(session)
    }
  }

  const copy = (id: string): Session | null => structuredClone(sessions.get(id) ?? null)

  return {
    now: state.now,
    // Nothing here awaits, so nothing can come in between.
    atomically: (_operation, work) => work(),
    reading: (_operation, work) => work(),
    get: copy,
    ofSubject: (subject) => [...(bySubject.get(subject) ?? [])].flatMap((id) => copy(id) ?? []),
    insert: (session) => {
      insertions += 1
      if (insertions % PRUNE_EVERY === 0) prune(state.now())
      sessions.set(session.id, structuredClone(session))
      const ids = bySubject.get(session.subject)
      if (ids === undefined) bySubject.set(session.subject, new Set([session.id]))
      else ids.add(session.id)
    },
    write: (id, next) => {
      const session = sessions.get(id)
      if (session === undefined) return
      sessions.set(id, { ...session, state: next })
      if (next.endedAtMs !== null) unlist(session)
    },
    epochs: (subject) => state.revoked.epochs(subject),
    isListed: (id) => state.revoked.isSessionListed(id),
    announce: (id, revoked, expiresAtMs) => state.append({ kind: 'session', id, revoked, expiresAtMs }),
  }
}
