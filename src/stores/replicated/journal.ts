import type { Seconds } from '../../core/duration.ts'
import type { RevocableToken } from '../../core/session/revocation-set.ts'
import type { EndReason } from '../../core/session/session.ts'

/** A revocation that this process has asked the store for. */
export type OwnRevocation =
  | {
      readonly kind: 'session'
      readonly id: string
      readonly subject: string
      /** Null for a suspension. */
      readonly reason: EndReason | null
      readonly retention: Seconds
    }
  | { readonly kind: 'token'; readonly id: string; readonly subject: string; readonly retention: Seconds }
  | {
      readonly kind: 'epoch'
      /** Null: everybody's. */
      readonly subject: string | null
      /** Which it was before. */
      readonly floor: number
      /** Which it is; null until the store has told. */
      readonly epoch: number | null
    }

/** A revocation as it stands in the journal; another object, once anything about it has changed. */
export interface Note {
  readonly revocation: OwnRevocation
  readonly forgottenAt: number
}

/**
 * What this process has revoked of late: to be asked for again where the store may not have it, because its answer was
 * lost or because a standby has taken over that lacks it (rotation.md 5). Of two revocations of one thing the later
 * counts, but for the end of a session, which is for good.
 */
export interface Journal {
  /** Notes what the store is about to be asked for. What was owed of the same thing stays so until the store has it. */
  ask(revocation: OwnRevocation): Note
  /** The store has it, as `revocation` where it told more. Without effect where the note has changed meanwhile. */
  keep(note: Note, revocation?: OwnRevocation): void
  /** It is not known whether the store has it. Without effect where the note has changed meanwhile. */
  owe(note: Note): void
  /** Whatever becomes of it, it is not to be asked for again. */
  drop(note: Note): void
  /** A token, or the suspension of a session, was taken back. */
  restore(kind: 'token' | 'session', id: string): void
  /** Another process has taken it back: only what the store has is forgotten. */
  hearRestored(kind: 'token' | 'session', id: string): void
  /** Another incarnation of the store answers: all of it is owed. Returns how much that is. */
  oweAll(): number
  /** What is owed, the oldest first. */
  owed(): readonly Note[]
  /** Whether a note is still owed, as it is. */
  isOwed(note: Note): boolean
  /** Whether a token is dead by something that is owed. */
  isRevoked(token: RevocableToken): boolean
  readonly size: number
}

/** A standby that takes over is not further behind than this. */
const SHORTEST: Seconds = 3_600

/** Entries kept at most of those that the store has, and of those that it may not have. Some 200 bytes each. */
export const JOURNAL_LIMIT = 50_000

const keyOf = (revocation: OwnRevocation): string =>
  revocation.kind === 'epoch' ? `epoch:${revocation.subject ?? ''}` : `${revocation.kind}:${revocation.id}`

const isEnd = (revocation: OwnRevocation): boolean => revocation.kind === 'session' && revocation.reason !== null

const isBelow = (note: Note | undefined, stamp: number): boolean => {
  if (note?.revocation.kind !== 'epoch') return false
  const { epoch, floor } = note.revocation
  return epoch === null ? stamp <= floor : stamp < epoch
}

/** Notes in the order of their last change, of which there is room for so many. */
type Notes = Map<string, Note>

const makeRoom = (notes: Notes, now: number, limit: number): void => {
  for (const [key, { forgottenAt }] of notes) {
    if (forgottenAt > now && notes.size <= limit) return
    notes.delete(key)
  }
}

const createShelves = (now: () => number, limit: number) => {
  const owed: Notes = new Map()
  /** What the store has, or has not answered yet. */
  const rest: Notes = new Map()
  const known = (key: string): Note | undefined => owed.get(key) ?? rest.get(key)
  return {
    owed,
    rest,
    known,
    isCurrent: (note: Note): boolean => known(keyOf(note.revocation)) === note,
    put: (notes: Notes, note: Note): void => {
      const key = keyOf(note.revocation)
      owed.delete(key)
      rest.delete(key)
      notes.set(key, note)
      makeRoom(notes, now(), limit)
    },
    noteOf: (revocation: OwnRevocation): Note => {
      const asked = revocation.kind === 'epoch' ? SHORTEST : revocation.retention
      // A session outlives the access tokens that retention is about.
      const seconds = revocation.kind === 'token' ? asked : Math.max(asked, SHORTEST)
      return { revocation, forgottenAt: now() + seconds * 1000 }
    },
  }
}

/** An end is for good. */
const forget = (notes: Notes, key: string): void => {
  const note = notes.get(key)
  if (note !== undefined && !isEnd(note.revocation)) notes.delete(key)
}

/** @param now milliseconds that only run on */
export const createJournal = (now: () => number, limit = JOURNAL_LIMIT): Journal => {
  const { owed, rest, known, isCurrent, put, noteOf } = createShelves(now, limit)
  return {
    ask: (revocation) => {
      const key = keyOf(revocation)
      const before = known(key)
      const note = noteOf(revocation)
      // The end of a session outlasts its suspension: that note is nobody's.
      if (before !== undefined && isEnd(before.revocation) && !isEnd(revocation)) return note
      put(owed.has(key) ? owed : rest, note)
      return note
    },
    keep: (note, revocation = note.revocation) => {
      if (isCurrent(note)) put(rest, { ...note, revocation })
    },
    owe: (note) => {
      if (isCurrent(note)) put(owed, note)
    },
    drop: (note) => {
      if (!isCurrent(note)) return
      owed.delete(keyOf(note.revocation))
      rest.delete(keyOf(note.revocation))
    },
    restore: (kind, id) => {
      forget(owed, `${kind}:${id}`)
      forget(rest, `${kind}:${id}`)
    },
    hearRestored: (kind, id) => forget(rest, `${kind}:${id}`),
    oweAll: () => {
      // Other objects: whoever still waits for the former incarnation must not call them kept by its answer.
      const all = [...owed.values(), ...rest.values()].map((note) => ({ ...note }))
      for (const note of all) put(owed, note)
      return owed.size
    },
    owed: () => (owed.size === 0 ? [] : [...owed.values()]),
    isOwed: (note) => owed.get(keyOf(note.revocation)) === note,
    isRevoked: ({ tokenId, sessionId, subject, stamp }) =>
      owed.size > 0 &&
      (owed.has(`token:${tokenId}`) ||
        (sessionId !== null && owed.has(`session:${sessionId}`)) ||
        isBelow(owed.get(`epoch:${subject}`), stamp.subject) ||
        isBelow(owed.get('epoch:'), stamp.global)),
    get size() {
      return owed.size + rest.size
    },
  }
}
