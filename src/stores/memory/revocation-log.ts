import { randomUUID } from 'node:crypto'
import { nextEpoch } from '../../core/session/lifecycle.ts'
import { lostEpochs, subjectEntry } from '../../core/session/revocation-set.ts'
import type { RevocableToken } from '../../core/session/revocation-set.ts'
import type { RevocationLog } from '../../ports/revocation-log.ts'
import { readCursor } from '../cursor.ts'
import type { MemoryState } from './memory-state.ts'

export const memoryRevocationLog = (state: MemoryState): RevocationLog => {
  const source = randomUUID()
  const isRevoked = (token: RevocableToken): boolean => {
    for (const entry of lostEpochs(token, state.revoked.epochs(token.subject), state.now())) state.append(entry)
    return state.revoked.isRevoked(token)
  }
  return {
    epochs: (subject) => state.revoked.epochs(subject),
    isRevoked,
    isRevokedAtSource: isRevoked,
    setToken: ({ tokenId, revoked, retention }) => {
      state.append({ kind: 'token', id: tokenId, revoked, expiresAtMs: state.now() + retention * 1000 })
    },
    bump: (subject) => {
      const nowMs = state.now()
      const epochs = state.revoked.epochs(subject ?? '')
      const epoch = nextEpoch(subject === null ? epochs.global : epochs.subject, nowMs)
      state.append(subject === null ? { kind: 'all', epoch } : subjectEntry(subject, epoch))
      return epoch
    },
    read: (cursor) => {
      const from = readCursor(cursor, state.lastSequence)
      const entries = [...state.entries].filter(([sequence]) => sequence > from).map(([, entry]) => entry)
      return { entries, cursor: String(state.lastSequence), atEnd: true, source }
    },
  }
}
