import { randomUUID } from 'node:crypto'
import { nextEpoch } from '../../core/session/lifecycle.ts'
import { lostEpochs, subjectEntry } from '../../core/session/revocation-set.ts'
import type { RevocationEntry } from '../../core/session/revocation-set.ts'
import type { RevocationLog } from '../../ports/revocation-log.ts'
import type { MemoryState } from './memory-store.ts'

const PRUNE_EVERY = 1024

/** Forgets what no token can ask about any more. Entries of epochs for everybody never lapse. */
const prune = ({ entries, revoked }: MemoryState, nowMs: number): void => {
  revoked.prune(nowMs)
  for (const [sequence, entry] of entries) {
    if (entry.kind !== 'all' && entry.expiresAtMs <= nowMs) entries.delete(sequence)
  }
}

export const memoryRevocationLog = (state: MemoryState): RevocationLog => {
  const source = randomUUID()
  let writes = 0
  const append = (entry: RevocationEntry): void => {
    writes += 1
    if (writes % PRUNE_EVERY === 0) prune(state, state.now())
    state.append(entry)
  }
  return {
    epochs: (subject) => state.revoked.epochs(subject),
    isRevoked: (token) => {
      for (const entry of lostEpochs(token, state.revoked.epochs(token.subject), state.now())) append(entry)
      return state.revoked.isRevoked(token)
    },
    setToken: ({ tokenId, revoked, retention }) => {
      append({ kind: 'token', id: tokenId, revoked, expiresAtMs: state.now() + retention * 1000 })
    },
    bump: (subject) => {
      const nowMs = state.now()
      const epochs = state.revoked.epochs(subject ?? '')
      const epoch = nextEpoch(subject === null ? epochs.global : epochs.subject, nowMs)
      append(subject === null ? { kind: 'all', epoch } : subjectEntry(subject, epoch, nowMs))
      return epoch
    },
    read: (cursor) => {
      const from = cursor === null ? 0 : Number(cursor)
      const entries = [...state.entries].filter(([sequence]) => sequence > from).map(([, entry]) => entry)
      return { entries, cursor: String(state.lastSequence), source }
    },
  }
}
