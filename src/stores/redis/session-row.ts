import { isLive } from '../../core/session/lifecycle.ts'
import type { EndReason, Grant, Session, SessionState } from '../../core/session/session.ts'
import type { JsonValue } from '../../core/token/json.ts'
import type { NewSession } from '../../ports/session-store.ts'
import { SESSION_FIELDS } from './lua-shared.ts'
import { readOptional, toInteger, toIntegerOrNull, toList, toObject, toText } from './replies.ts'

/** What no script needs to look into. */
interface Fixed {
  readonly authTime: number | null
  readonly grant: Grant
  readonly device: string | null
  readonly refreshData: JsonValue
}

export const writeFixed = ({ authTime, grant, device, refreshData }: NewSession): string =>
  JSON.stringify({ authTime, grant, device, refreshData } satisfies Fixed)

type Field = (typeof SESSION_FIELDS)[number]

const reason = (text: string): EndReason | null =>
  // Only the scripts write this field, with a reason that they were given.
  text === '' ? null : (text as EndReason)

/** Reads a session from the values of `SESSION_FIELDS`, in their order, from a place in a reply on. */
export const readSession = (id: string, reply: readonly unknown[], from = 0): Session => {
  const at = (field: Field): unknown => reply[from + SESSION_FIELDS.indexOf(field)]
  // Only `writeFixed` writes this field.
  const fixed = toObject(at('fix')) as Fixed
  const createdAt = toInteger(at('cat'))
  const state: SessionState = {
    generation: toInteger(at('gen')),
    refreshKeyId: toText(at('rk')),
    rotatedAtMs: toInteger(at('rot')),
    graceFromMs: toIntegerOrNull(at('gf')),
    idleExpiresAtMs: toInteger(at('ie')),
    lateReplays: toInteger(at('lr')),
    suspendedAtMs: toIntegerOrNull(at('sus')),
    endedAtMs: toIntegerOrNull(at('end')),
    endReason: reason(toText(at('why'))),
  }
  return {
    id,
    subject: toText(at('sub')),
    createdAt,
    authTime: fixed.authTime ?? createdAt,
    absoluteExpiresAt: toInteger(at('abs')),
    stamp: { subject: toInteger(at('ss')), global: toInteger(at('sg')) },
    grant: fixed.grant,
    keyThumbprint: readOptional(at('key')),
    device: fixed.device,
    refreshData: fixed.refreshData,
    state,
  }
}

/** Reads the answer of `find` and `list`: the time, both epochs, and then sessions. Those that live are returned. */
export const readLiving = (reply: unknown, sessionsIn: (rest: readonly unknown[]) => readonly Session[]): Session[] => {
  const [now, own, all, ...rest] = toList(reply)
  if (now === undefined) return []
  const epochs = { subject: toInteger(own), global: toInteger(all) }
  return sessionsIn(rest).filter((session) => isLive(session, epochs, toInteger(now)))
}
