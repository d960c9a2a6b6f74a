import { nextEpoch } from '../../core/session/lifecycle.ts'
import { lostEpochs, subjectEntry } from '../../core/session/revocation-set.ts'
import { isOutdated } from '../../core/session/rotation.ts'
import type { RevocationLog } from '../../ports/revocation-log.ts'
import type { RevocableToken } from '../../core/session/revocation-set.ts'
import { readCursor } from '../cursor.ts'
import { transaction } from './database.ts'
import type { SqliteDatabase } from './database.ts'
import type { RevocationTable } from './revocation-table.ts'

interface Options {
  readonly database: SqliteDatabase
  readonly table: RevocationTable
  readonly now: () => number
  readonly source: string
}

export const sqliteRevocationLog = ({ database, table, now, source }: Options): RevocationLog => {
  // The file is asked each time, so what this process knows is what all know.
  const isRevoked = (token: RevocableToken): boolean => {
    const { listed, epochs } = table.standing(token)
    if (listed || isOutdated(token.stamp, epochs)) return true
    // Nearly never: only then is the write lock worth its wait.
    if (lostEpochs(token, epochs, now()).length > 0) {
      transaction(database, 'taking an epoch back', () => {
        lostEpochs(token, table.epochs(token.subject), now()).forEach((entry) => table.append(entry))
      })
    }
    return false
  }
  return {
    epochs: (subject) => table.epochs(subject),
    isRevoked,
    isRevokedAtSource: isRevoked,
    setToken: ({ tokenId, revoked, retention }) => {
      transaction(database, 'revoking a token', () => {
        table.append({ kind: 'token', id: tokenId, revoked, expiresAtMs: now() + retention * 1000 })
      })
    },
    bump: (subject) =>
      transaction(database, 'raising an epoch', () => {
        const nowMs = now()
        const epochs = table.epochs(subject ?? '')
        const epoch = nextEpoch(subject === null ? epochs.global : epochs.subject, nowMs)
        table.append(subject === null ? { kind: 'all', epoch } : subjectEntry(subject, epoch))
        return epoch
      }),
    read: (cursor) => {
      const { entries, last, atEnd } = table.after(readCursor(cursor, table.last()))
      return { entries, cursor: String(last), atEnd, source }
    },
  }
}
