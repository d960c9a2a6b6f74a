import { StoreError } from '../../core/errors.ts'
import { newIdentifier } from '../../core/token/identifier.ts'
import type { MaybePromise } from '../../core/maybe-promise.ts'
import type { RevocableToken } from '../../core/session/revocation-set.ts'
import type { RevocationLog } from '../../ports/revocation-log.ts'
import type { Rotation, SessionStore } from '../../ports/session-store.ts'
import type { Store } from '../../ports/store.ts'
import type { Journal, Note, OwnRevocation } from './journal.ts'

/** What stands between this process and the store where it writes. */
export interface WriteParts {
  readonly store: Store
  readonly journal: Journal
  /** Brings the copy up to what has just been written. */
  readonly catchUp: () => Promise<void>
  /** Rejects where this process has not heard from the store for a lease, and cannot now. */
  readonly ensureLease: () => MaybePromise<void>
  /** Whether this process knows that a token is revoked. */
  readonly isKnownRevoked: (token: RevocableToken) => boolean
}

/**
 * Notes a revocation before the store is asked for it, and what became of it: `done` says what the store has then, or null
 * where there was nothing to be revoked.
 */
type Write = <T>(
  revocation: OwnRevocation,
  write: () => MaybePromise<T>,
  done?: (answer: T) => OwnRevocation | null,
) => Promise<T>

const createWrite =
  ({ journal, catchUp }: WriteParts): Write =>
  async (revocation, write, done = () => revocation) => {
    const note = journal.ask(revocation)
    try {
      const answer = await write()
      const kept = done(answer)
      if (kept === null) journal.drop(note)
      else journal.keep(note, kept)
      await catchUp()
      return answer
    } catch (error) {
      if (error instanceof StoreError) journal.owe(note)
      else journal.drop(note)
      throw error
    }
  }

/** Notes what the store has ended by itself. */
const noteEnd = (journal: Journal, end: Extract<OwnRevocation, { readonly kind: 'session' }>): void =>
  journal.keep(journal.ask(end))

/** What this process has ended it knows at once: its next request may come with the very token. */
export const createSessions = (parts: WriteParts): SessionStore => {
  const { store, journal, catchUp, ensureLease, isKnownRevoked } = parts
  const { sessions } = store
  const write = createWrite(parts)

  /** Before it is noticed that a store has changed over, it may let live what it has lost the end of. */
  const knownAlive = (rotation: Rotation): Rotation => {
    if (!('session' in rotation)) return rotation
    const { id, subject, stamp } = rotation.session
    if (!isKnownRevoked({ tokenId: '', sessionId: id, subject, stamp })) return rotation
    throw new StoreError('rotating a session', new Error('the store does not know that it was revoked'))
  }

  return {
    ...sessions,
    create: async (session, policy) => {
      // While processes tell a store that has changed over what it lacks, it would not outlive what it has not heard yet.
      const live = ensureLease()
      if (live !== undefined) await live
      const creation = await sessions.create(session, policy)
      if (creation.outcome !== 'created' || creation.evicted.length === 0) return creation
      const { retention } = policy
      for (const id of creation.evicted) {
        noteEnd(journal, { kind: 'session', id, subject: session.subject, reason: 'evicted', retention })
      }
      await catchUp()
      return creation
    },
    rotate: async (presented, policy) => {
      const live = ensureLease()
      if (live !== undefined) await live
      const rotation = await sessions.rotate(presented, policy)
      if (rotation.outcome !== 'reused') return knownAlive(rotation)
      const { sessionId: id, subject } = presented
      noteEnd(journal, { kind: 'session', id, subject, reason: 'reused', retention: policy.retention })
      await catchUp()
      return rotation
    },
    end: ({ id, subject, reason }, policy) => {
      const revocation = { kind: 'session', id, subject, reason, retention: policy.retention } as const
      const end = () => sessions.end({ id, subject, reason }, policy)
      return write(revocation, end, (ending) => (ending === 'foreign' ? null : revocation))
    },
    suspend: async ({ id, subject, suspended }, policy) => {
      const revocation = { kind: 'session', id, subject, reason: null, retention: policy.retention } as const
      const suspend = () => sessions.suspend({ id, subject, suspended }, policy)
      if (suspended) return write(revocation, suspend)
      // Taking back is never asked for again: who was told that it failed may have thought better of it.
      journal.restore('session', id)
      await suspend()
      return catchUp()
    },
  }
}

const readEpoch = async ({ revocations }: Store, subject: string | null): Promise<number> => {
  const epochs = await revocations.epochs(subject ?? '')
  return subject === null ? epochs.global : epochs.subject
}

/** How often an epoch is taken back that others raise meanwhile. */
const TAKING_BACK = 5

/** The writing half of the log. */
export const createWrites = (parts: WriteParts): Pick<RevocationLog, 'setToken' | 'bump'> => {
  const { store, journal, catchUp } = parts
  const write = createWrite(parts)
  return {
    setToken: async (change) => {
      const { tokenId: id, subject, revoked, retention } = change
      const revocation = { kind: 'token', id, subject, retention } as const
      const set = () => store.revocations.setToken(change)
      if (revoked) return write(revocation, set)
      journal.restore('token', id)
      await set()
      return catchUp()
    },
    bump: async (subject) => {
      // By what it was before it is known later whether the store has done it.
      const floor = await readEpoch(store, subject)
      const raised = { kind: 'epoch', subject, floor } as const
      return write(
        { ...raised, epoch: null },
        () => store.revocations.bump(subject),
        (epoch) => ({ ...raised, epoch }),
      )
    },
  }
}

/** Raises an epoch to what it was: a stamp that is ahead of the store's epochs has them taken back from it. */
const takeBack = async (store: Store, subject: string | null, epoch: number): Promise<void> => {
  const somebody = subject ?? ''
  for (let attempt = 0; attempt < TAKING_BACK; attempt++) {
    // Another epoch may rise in between, and then nothing is taken back: each attempt looks anew.
    const epochs = await store.revocations.epochs(somebody)
    if ((subject === null ? epochs.global : epochs.subject) >= epoch) return
    await store.revocations.isRevokedAtSource({
      tokenId: newIdentifier(somebody),
      sessionId: null,
      subject: somebody,
      stamp: {
        subject: Math.max(epochs.subject, subject === null ? 0 : epoch),
        global: Math.max(epochs.global, subject === null ? epoch : 0),
      },
    })
  }
  throw new StoreError('taking an epoch back', new Error('it was not taken'))
}

/** An epoch that has risen since has ended what this was to end: whoever signed in after it stays. */
const repeatBump = async (
  store: Store,
  revocation: Extract<OwnRevocation, { readonly kind: 'epoch' }>,
): Promise<OwnRevocation> => {
  const { subject, floor, epoch } = revocation
  if (epoch !== null) {
    await takeBack(store, subject, epoch)
    return revocation
  }
  const standing = await readEpoch(store, subject)
  return { ...revocation, epoch: standing > floor ? standing : await store.revocations.bump(subject) }
}

const repeat = async (store: Store, revocation: OwnRevocation): Promise<OwnRevocation> => {
  const { sessions, revocations } = store
  if (revocation.kind === 'epoch') return repeatBump(store, revocation)
  const { id, subject, retention } = revocation
  if (revocation.kind === 'token') {
    await revocations.setToken({ tokenId: id, subject, revoked: true, retention })
  } else if (revocation.reason === null) {
    await sessions.suspend({ id, subject, suspended: true }, { retention })
  } else {
    await sessions.end({ id, subject, reason: revocation.reason }, { retention })
  }
  return revocation
}

/** Asked for at a time: other callers need the store too. */
const AT_ONCE = 16

interface SettleParts extends Pick<WriteParts, 'store' | 'journal'> {
  /** Resolves when what the store has is durable, and known here. */
  readonly confirm: () => Promise<void>
}

/** What became of one that was asked for again. */
type Repeated = { readonly note: Note; readonly done: OwnRevocation } | { readonly failure: unknown }

const repeatNote = async (store: Store, note: Note): Promise<Repeated> => {
  try {
    return { note, done: await repeat(store, note.revocation) }
  } catch (failure) {
    return { failure }
  }
}

/**
 * Asks the store again for everything that is owed, the latest first, for of that a standby lacks most. What cannot be
 * done holds up nothing else, unless nothing can be done at all.
 *
 * @throws StoreError what the first of them failed with
 */
export const settleOwed = async ({ store, journal, confirm }: SettleParts): Promise<void> => {
  const failures: unknown[] = []
  const notes = journal.owed()
  for (let end = notes.length; end > 0; end -= AT_ONCE) {
    // Taken back meanwhile, or asked for anew.
    const group = notes.slice(Math.max(0, end - AT_ONCE), end).filter((note) => journal.isOwed(note))
    // In groups on purpose: each rests on the store having answered the one before.
    const repeated = await Promise.all(group.map((note) => repeatNote(store, note)))
    const done = repeated.filter((one) => 'done' in one)
    for (const one of repeated) if ('failure' in one) failures.push(one.failure)
    if (done.length === 0 && group.length > 0) break
    // An epoch that was found raised may not have been durable.
    await confirm()
    for (const one of done) journal.keep(one.note, one.done)
  }
  if (failures.length > 0) throw failures[0]
}
