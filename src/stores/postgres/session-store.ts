import type { Seconds } from '../../core/duration.ts'
import { StoreError } from '../../core/errors.ts'
import type { EndReason, Grant, Session, SessionState, Stamp } from '../../core/session/session.ts'
import type { JsonValue } from '../../core/token/json.ts'
import type { Creation, Ending, Rotation, SessionStore } from '../../ports/session-store.ts'
import type { Database } from './database.ts'
import {
  column,
  readInteger,
  readIntegerOrNull,
  readObject,
  readText,
  readRows,
  readTextOrNull,
  readTexts,
} from './row.ts'
import { isStorable, toMilliseconds } from './values.ts'

const stateOf = (state: unknown): SessionState => ({
  generation: readInteger(state, 'generation'),
  refreshKeyId: readText(state, 'refreshKeyId'),
  rotatedAtMs: readInteger(state, 'rotatedAtMs'),
  graceFromMs: readIntegerOrNull(state, 'graceFromMs'),
  idleExpiresAtMs: readInteger(state, 'idleExpiresAtMs'),
  lateReplays: readInteger(state, 'lateReplays'),
  suspendedAtMs: readIntegerOrNull(state, 'suspendedAtMs'),
  endedAtMs: readIntegerOrNull(state, 'endedAtMs'),
  // Only the functions of the schema write this column.
  endReason: readTextOrNull(state, 'endReason') as EndReason | null,
})

const stampOf = (stamp: unknown): Stamp => ({
  subject: readInteger(stamp, 'subject'),
  global: readInteger(stamp, 'global'),
})

/** The session that an answer carries: what never changes in one piece, and its state. */
const sessionOf = (answer: unknown): Session => {
  const fixed = column(answer, 'fixed')
  return {
    id: readText(fixed, 'id'),
    subject: readText(fixed, 'subject'),
    createdAt: readInteger(fixed, 'createdAt'),
    authTime: readInteger(fixed, 'authTime'),
    absoluteExpiresAt: readInteger(fixed, 'absoluteExpiresAt'),
    stamp: stampOf(column(fixed, 'stamp')),
    // Only `create` writes these two, and JSON.parse has made what they hold.
    grant: readObject(fixed, 'grant') as unknown as Grant,
    keyThumbprint: readTextOrNull(fixed, 'keyThumbprint'),
    device: readTextOrNull(fixed, 'device'),
    refreshData: column(fixed, 'refreshData') as JsonValue,
    state: stateOf(column(answer, 'state')),
  }
}

const creationOf = (answer: unknown): Creation => {
  const outcome = readText(answer, 'outcome')
  switch (outcome) {
    case 'created': {
      const session = sessionOf(answer)
      return { outcome, session, nowMs: readInteger(answer, 'nowMs'), evicted: readTexts(answer, 'evicted') }
    }
    case 'outdated':
    case 'exists':
      return { outcome }
    default:
      throw new StoreError('creating a session', new Error(`it answered ${outcome}`))
  }
}

const rotationOf = (answer: unknown): Rotation => {
  const outcome = readText(answer, 'outcome')
  switch (outcome) {
    case 'rotated':
    case 'replayed':
    case 'replayed_late':
    case 'recovered':
    case 'reused':
      return { outcome, session: sessionOf(answer), nowMs: readInteger(answer, 'nowMs') }
    case 'revoked':
    case 'unknown':
    case 'key_mismatch':
      return { outcome }
    default:
      throw new StoreError('rotating a session', new Error(`it answered ${outcome}`))
  }
}

const endingOf = (answer: unknown): Ending => {
  if (answer === 'ended' || answer === 'already' || answer === 'foreign') return answer
  throw new StoreError('ending a session', new Error(`it answered ${String(answer)}`))
}

interface Settlement {
  readonly id: string
  readonly subject: string
  readonly change: EndReason | 'suspend' | 'resume'
}

/** Sessions in their PostgreSQL table; every method is one call of a function of the schema. */
export const postgresSessionStore = ({ call }: Database): SessionStore => {
  const settle = async (
    operation: string,
    { id, subject, change }: Settlement,
    { retention }: { readonly retention: Seconds },
  ): Promise<Ending> =>
    endingOf(await call(operation, 'settle_session', [id, subject, change, toMilliseconds(retention)]))

  return {
    create: async (wanted, { maxPerSubject, retention }) => {
      const { stamp, grant } = wanted
      const { id, subject, authTime, absoluteLifetime, keyThumbprint, device, refreshKeyId } = wanted
      const fixed = [id, subject, authTime, absoluteLifetime, stamp.subject, stamp.global]
      const granted = [JSON.stringify(grant), grant.idleLifetime, keyThumbprint, device]
      const rest = [JSON.stringify(wanted.refreshData), refreshKeyId, maxPerSubject, toMilliseconds(retention)]
      const parameters = [...fixed, ...granted, ...rest]
      return creationOf(await call('creating a session', 'create_session', parameters))
    },
    rotate: async (presented, { graceMs, lateReplays, retention }) => {
      const { sessionId, subject, generation, createdAt, keyId, nextKeyId, keyThumbprint } = presented
      const given = [sessionId, subject, generation, createdAt, keyId, nextKeyId, keyThumbprint]
      const policy = [graceMs, lateReplays, toMilliseconds(retention)]
      return rotationOf(await call('rotating a session', 'rotate_session', [...given, ...policy]))
    },
    find: async (id) => {
      if (!isStorable(id)) return null
      const row = await call('finding a session', 'find_session', [id])
      return row === null ? null : sessionOf(row)
    },
    list: async (subject) => {
      if (!isStorable(subject)) return []
      const sessions = await call('listing sessions', 'list_sessions', [subject])
      return readRows(sessions).map(sessionOf)
    },
    end: async ({ id, subject, reason }, policy) => settle('ending a session', { id, subject, change: reason }, policy),
    suspend: async ({ id, subject, suspended }, policy) => {
      await settle('suspending a session', { id, subject, change: suspended ? 'suspend' : 'resume' }, policy)
    },
  }
}
