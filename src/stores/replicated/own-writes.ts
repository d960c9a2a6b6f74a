import { StoreError } from '../../core/errors.ts'
import { newIdentifier } from '../../core/token/identifier.ts'
import type { MaybePromise } from '../../core/maybe-promise.ts'
import type { RevocationLog } from '../../ports/revocation-log.ts'
import type { SessionStore } from '../../ports/session-store.ts'
import type { Store } from '../../ports/store.ts'
import type { Journal, OwnRevocation } from './journal.ts'

/** What stands between this process and the store where it writes. */
export interface WriteParts {
  readonly store: Store
  readonly journal: Journal
  /** Brings the copy up to what has just been written. */
  readonly catchUp: () => Promise<void>
  /** Rejects where this process has not heard from the store for a lease, and cannot now. */
  readonly ensureLease: () => MaybePromise<void>
}

type Write = <T>(revocation: OwnRevocation, write: () => MaybePromise<T>, after: (answer: T) => void) => Promise<T>

/** Notes a revocation before the store is asked for it, and what became of it. */
const createWrite =
  ({ journal, catchUp }: WriteParts): Write =>
  async (revocation, write, after) => {
    journal.ask(revocation)
    try {
      const answer = await write()
      after(answer)
      await catchUp()
      return answer
    } catch (error) {
      if (error instanceof StoreError) journal.owe(revocation)
      else journal.drop(revocation)
      throw error
    }
  }

/** What this process has ended it knows at once: its next request may come with the very token. */
export const createSessions = (parts: WriteParts): SessionStore => {
  const { store, journal, catchUp, ensureLease } = parts
  const { sessions } = store
  const write = createWrite(parts)
  return {
    ...sessions,
    create: async (session, policy) => {
      const creation = await sessions.create(session, policy)
      if (creation.outcome !== 'created' || creation.evicted.length === 0) return creation
      const { retention } = policy
      for (const id of creation.evicted) {
        journal.keep({ kind: 'session', id, subject: session.subject, reason: 'evicted', retention })
      }
      await catchUp()
      return creation
    },
    rotate: async (presented, policy) => {
      const live = ensureLease()
      if (live !== undefined) await live
      const rotation = await sessions.rotate(presented, policy)
      if (rotation.outcome !== 'reused') return rotation
      const { sessionId: id, subject } = presented
      journal.keep({ kind: 'session', id, subject, reason: 'reused', retention: policy.retention })
      await catchUp()
      return rotation
    },
    end: ({ id, subject, reason }, policy) => {
      const revocation = { kind: 'session', id, subject, reason, retention: policy.retention } as const
      return write(
        revocation,
        () => sessions.end({ id, subject, reason }, policy),
        (ending) => {
          if (ending === 'foreign') journal.drop(revocation)
          else journal.keep(revocation)
        },
      )
    },
    suspend: async ({ id, subject, suspended }, policy) => {
      const revocation = { kind: 'session', id, subject, reason: null, retention: policy.retention } as const
      const suspend = () => sessions.suspend({ id, subject, suspended }, policy)
      if (suspended) return write(revocation, suspend, () => journal.keep(revocation))
      // Taking back is never asked for again: who was told that it failed may have thought better of it.
      journal.drop(revocation)
      await suspend()
      return catchUp()
    },
  }
}

/** The writing half of the log. */
export const createWrites = (parts: WriteParts): Pick<RevocationLog, 'setToken' | 'bump'> => {
  const { store, journal, catchUp } = parts
  const write = createWrite(parts)
  return {
    setToken: async (change) => {
      const { tokenId: id, subject, revoked, retention } = change
      const revocation = { kind: 'token', id, subject, retention } as const
      const set = () => store.revocations.setToken(change)
      if (revoked) return write(revocation, set, () => journal.keep(revocation))
      journal.drop(revocation)
      await set()
      return catchUp()
    },
    bump: (subject) =>
      write(
        { kind: 'epoch', subject, epoch: null },
        () => store.revocations.bump(subject),
        (epoch) => journal.keep({ kind: 'epoch', subject, epoch }),
      ),
  }
}

/** Raises an epoch to what it was: a stamp that is ahead of the store's epochs has them taken back from it. */
const takeBack = async ({ revocations }: Store, subject: string | null, epoch: number): Promise<void> => {
  const somebody = subject ?? ''
  const epochs = await revocations.epochs(somebody)
  const stamp = {
    subject: Math.max(epochs.subject, subject === null ? 0 : epoch),
    global: Math.max(epochs.global, subject === null ? epoch : 0),
  }
  await revocations.isRevokedAtSource({
    tokenId: newIdentifier(somebody),
    sessionId: null,
    subject: somebody,
    stamp,
  })
}

const repeat = async (store: Store, revocation: OwnRevocation): Promise<OwnRevocation> => {
  const { sessions, revocations } = store
  if (revocation.kind === 'epoch') {
    const { subject, epoch } = revocation
    if (epoch === null) return { ...revocation, epoch: await revocations.bump(subject) }
    await takeBack(store, subject, epoch)
    return revocation
  }
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

/**
 * Asks the store again for everything owed. Stops at the first failure: what is owed stays so.
 *
 * @throws StoreError
 */
export const settleOwed = async ({ store, journal }: Pick<WriteParts, 'store' | 'journal'>): Promise<number> => {
  let settled = 0
  for (;;) {
    const owed = journal.owed(AT_ONCE)
    if (owed.length === 0) return settled
    const repeated = owed.map(async (revocation) => journal.settle(revocation, await repeat(store, revocation)))
    // In groups on purpose: each rests on the store having answered the one before.
    await Promise.all(repeated)
    settled += owed.length
  }
}
