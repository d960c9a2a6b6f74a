import { StoreError } from '../../core/errors.ts'
import type { RevocableToken, RevocationEntry } from '../../core/session/revocation-set.ts'
import type { RevocationLog, RevocationPage } from '../../ports/revocation-log.ts'
import type { SqlValue } from './client.ts'
import type { Database } from './database.ts'
import { readBoolean, readInteger, readList, readRows, readText, readTexts } from './row.ts'
import { toMilliseconds } from './values.ts'

/** Entries read at most in one go. */
const PAGE = 10_000

/** Position (transaction and number of a row), and the transactions before it that were running still. */
const CURSOR = /^(\d{1,19})\.(\d{1,15})(?:\+(\d{1,19}(?:,\d{1,19})*))?$/

/** What `read_log` takes; the beginning for a cursor of another shape. */
const readCursor = (cursor: string | null): SqlValue[] => {
  const [, xid = null, id, pending = ''] = CURSOR.exec(cursor ?? '') ?? []
  return [xid, id === undefined ? 0 : Number(id), `{${pending}}`, PAGE]
}

const cursorOf = (answer: unknown): string => {
  const pending = readTexts(answer, 'pending')
  const position = `${readText(answer, 'xid')}.${readInteger(answer, 'id')}`
  return pending.length === 0 ? position : `${position}+${pending.join(',')}`
}

const FIELDS = ['key', 'revoked', 'epoch', 'expiresAtMs', 'id'] as const

const entryOf = (fields: unknown): RevocationEntry => {
  const values = readRows(fields)
  const row = Object.fromEntries(FIELDS.map((name, index) => [name, values[index]]))
  const key = readText(row, 'key')
  const epoch = readInteger(row, 'epoch')
  if (key === '*') return { kind: 'all', epoch }
  const [id, expiresAtMs] = [key.slice(2), readInteger(row, 'expiresAtMs')]
  if (key.startsWith('u:')) return { kind: 'subject', id, epoch, expiresAtMs }
  const kind = key.startsWith('t:') ? 'token' : 'session'
  return { kind, id, revoked: readBoolean(row, 'revoked'), expiresAtMs, version: readInteger(row, 'id') }
}

const pageOf = (answer: unknown): RevocationPage => ({
  entries: readList(answer, 'entries').map(entryOf),
  cursor: cursorOf(answer),
  atEnd: readBoolean(answer, 'isAtEnd'),
  source: readText(answer, 'source'),
  nowMs: readInteger(answer, 'nowMs'),
})

/** The log in its PostgreSQL table. The primary is asked each time, so what one process knows is what all know. */
export const postgresRevocationLog = ({ call }: Database): RevocationLog => {
  const ask = async (name: string, { tokenId, sessionId, subject, stamp }: RevocableToken): Promise<boolean> => {
    const answer = await call('checking a token', name, [tokenId, sessionId, subject, stamp.subject, stamp.global])
    if (typeof answer === 'boolean') return answer
    throw new StoreError('checking a token', new Error('the answer is no boolean'))
  }

  return {
    epochs: async (subject) => {
      const answer = await call('reading epochs', 'read_epochs', [subject])
      return { subject: readInteger(answer, 'subject'), global: readInteger(answer, 'global') }
    },
    isRevoked: (token) => ask('is_revoked', token),
    isRevokedAtSource: (token) => ask('is_revoked_at_source', token),
    setToken: async ({ tokenId, revoked, retention }) => {
      await call('revoking a token', 'set_token', [tokenId, revoked, toMilliseconds(retention)])
    },
    bump: async (subject) => {
      const epoch = await call('raising an epoch', 'bump_epoch', [subject])
      return readInteger({ epoch }, 'epoch')
    },
    read: async (cursor) => pageOf(await call('reading the log', 'read_log', readCursor(cursor))),
  }
}
