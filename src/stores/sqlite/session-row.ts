import type { EndReason, Grant, Session, SessionState } from '../../core/session/session.ts'
import type { JsonValue } from '../../core/token/json.ts'
import type { SqliteValue } from './database.ts'
import { readInteger, readIntegerOrNull, readText, readTextOrNull } from './row.ts'

/** Columns that never change, in the order of `fixedValues`. */
export const FIXED_COLUMNS = [
  'id',
  'subject',
  'created_at',
  'auth_time',
  'absolute_expires_at',
  'stamp_subject',
  'stamp_global',
  'grant_json',
  'key_thumbprint',
  'device',
  'refresh_data',
] as const

/** Columns of `SessionState`, in the order of `stateValues`. */
export const STATE_COLUMNS = [
  'generation',
  'refresh_key_id',
  'rotated_at_ms',
  'grace_from_ms',
  'idle_expires_at_ms',
  'late_replays',
  'suspended_at_ms',
  'ended_at_ms',
  'end_reason',
] as const

export const fixedValues = (session: Session): SqliteValue[] => [
  session.id,
  session.subject,
  session.createdAt,
  session.authTime,
  session.absoluteExpiresAt,
  session.stamp.subject,
  session.stamp.global,
  JSON.stringify(session.grant),
  session.keyThumbprint,
  session.device,
  JSON.stringify(session.refreshData),
]

export const stateValues = (state: SessionState): SqliteValue[] => [
  state.generation,
  state.refreshKeyId,
  state.rotatedAtMs,
  state.graceFromMs,
  state.idleExpiresAtMs,
  state.lateReplays,
  state.suspendedAtMs,
  state.endedAtMs,
  state.endReason,
]

const readState = (row: unknown): SessionState => ({
  generation: readInteger(row, 'generation'),
  refreshKeyId: readText(row, 'refresh_key_id'),
  rotatedAtMs: readInteger(row, 'rotated_at_ms'),
  graceFromMs: readIntegerOrNull(row, 'grace_from_ms'),
  idleExpiresAtMs: readInteger(row, 'idle_expires_at_ms'),
  lateReplays: readInteger(row, 'late_replays'),
  suspendedAtMs: readIntegerOrNull(row, 'suspended_at_ms'),
  endedAtMs: readIntegerOrNull(row, 'ended_at_ms'),
  // Only `stateValues` writes this column.
  endReason: readTextOrNull(row, 'end_reason') as EndReason | null,
})

export const readSession = (row: unknown): Session => ({
  id: readText(row, 'id'),
  subject: readText(row, 'subject'),
  createdAt: readInteger(row, 'created_at'),
  authTime: readInteger(row, 'auth_time'),
  absoluteExpiresAt: readInteger(row, 'absolute_expires_at'),
  stamp: { subject: readInteger(row, 'stamp_subject'), global: readInteger(row, 'stamp_global') },
  // Only `fixedValues` writes these two columns.
  grant: JSON.parse(readText(row, 'grant_json')) as Grant,
  keyThumbprint: readTextOrNull(row, 'key_thumbprint'),
  device: readTextOrNull(row, 'device'),
  refreshData: JSON.parse(readText(row, 'refresh_data')) as JsonValue,
  state: readState(row),
})
