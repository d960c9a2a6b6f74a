import type { Session } from '../../core/session/session.ts'
import type { LocalTables } from '../local-session-store.ts'
import type { MemoryState } from './memory-store.ts'

const PRUNE_EVERY = 1024

/** Sessions in maps, by id and by subject. */
export const memorySessionTables = (state: MemoryState): LocalTables => {
  const sessions = new Map<string, Session>()
  const bySubject = new Map<string, Set<string>>()
  let insertions = 0

  /** Tombstones may go once no token of theirs can pass for authentic and alive. */
  const prune = (nowMs: number): void => {
    for (const { id, subject, absoluteExpiresAt } of sessions.values()) {
      if (nowMs < absoluteExpiresAt * 1000) continue
      sessions.delete(id)
      const ids = bySubject.get(subject)
      ids?.delete(id)
      if (ids?.size === 0) bySubject.delete(subject)
    }
  }

  return {
    now: state.now,
    // Nothing here awaits, so nothing can come in between.
    atomically: (_operation, work) => work(),
    reading: (_operation, work) => work(),
    get: (id) => sessions.get(id) ?? null,
    ofSubject: (subject) => [...(bySubject.get(subject) ?? [])].flatMap((id) => sessions.get(id) ?? []),
    insert: (session) => {
      insertions += 1
      if (insertions % PRUNE_EVERY === 0) prune(state.now())
      sessions.set(session.id, session)
      const ids = bySubject.get(session.subject)
      if (ids === undefined) bySubject.set(session.subject, new Set([session.id]))
      else ids.add(session.id)
    },
    write: (id, next) => {
      const session = sessions.get(id)
      if (session !== undefined) sessions.set(id, { ...session, state: next })
    },
    epochs: (subject) => state.revoked.epochs(subject),
    announce: (id, revoked, expiresAtMs) => state.append({ kind: 'session', id, revoked, expiresAtMs }),
  }
}
