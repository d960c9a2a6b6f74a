/**
 * The rotation machine once more, written from the text of ARCHITECTURE.md alone and sharing nothing with the source: what
 * the stores are compared with. It is told times and never reads a clock.
 */

export interface ReferencePolicy {
  readonly graceMs: number
  readonly budget: number
}

export interface ReferenceSession {
  readonly id: string
  readonly subject: string
  readonly createdAt: number
  readonly absoluteEndMs: number
  readonly idleMs: number
  readonly boundTo: string | null
  readonly stamp: { readonly subject: number; readonly global: number }
  generation: number
  keyId: string
  graceFromMs: number | null
  rotatedAtMs: number
  idleEndMs: number
  late: number
  suspended: boolean
  ended: boolean
  /** Until when its access tokens must be refused by its own entry, or null where nothing was entered. */
  deniedUntilMs: number | null
}

export interface ReferenceWorld {
  nowMs: number
  readonly sessions: ReferenceSession[]
  readonly epochs: Map<string, number>
  globalEpoch: number
}

export interface ReferencePresentation {
  readonly subject: string
  readonly createdAt: number
  readonly generation: number
  readonly keyId: string
  readonly nextKeyId: string
  readonly thumbprint: string | null
}

export const isOutdatedIn = (world: ReferenceWorld, { subject, stamp }: ReferenceSession): boolean =>
  stamp.subject < (world.epochs.get(subject) ?? 0) || stamp.global < world.globalEpoch

export const isLiveIn = (world: ReferenceWorld, session: ReferenceSession): boolean =>
  !session.ended &&
  !session.suspended &&
  !isOutdatedIn(world, session) &&
  world.nowMs < session.absoluteEndMs &&
  world.nowMs < session.idleEndMs

/** A generation comes into being, by a rotation or out of a token. */
const startGeneration = (world: ReferenceWorld, session: ReferenceSession, generation: number, keyId: string): void => {
  session.generation = generation
  session.keyId = keyId
  session.graceFromMs = world.nowMs
  session.rotatedAtMs = world.nowMs
  session.idleEndMs = world.nowMs + session.idleMs
  if (session.idleEndMs > session.absoluteEndMs) session.idleEndMs = session.absoluteEndMs
}

export const endIn = (world: ReferenceWorld, session: ReferenceSession, retentionMs: number): void => {
  session.ended = true
  session.deniedUntilMs = world.nowMs + retentionMs
}

/** Rules 1 to 3: why a presentation is refused before its generation is looked at. */
const refusal = (world: ReferenceWorld, session: ReferenceSession, presented: ReferencePresentation): string | null => {
  const p = presented.generation
  const g = session.generation
  if (presented.subject !== session.subject) return 'unknown'
  if (presented.createdAt !== session.createdAt) return 'unknown'
  if (world.nowMs >= session.absoluteEndMs) return 'unknown'
  if (p <= g && world.nowMs >= session.idleEndMs) return 'unknown'
  if (session.ended || session.suspended || isOutdatedIn(world, session)) return 'revoked'
  if (session.boundTo !== null && session.boundTo !== presented.thumbprint) return 'key_mismatch'
  return null
}

/** What the machine answers, having changed the session as it must. */
export const presentIn = (
  world: ReferenceWorld,
  session: ReferenceSession,
  {
    presented,
    policy,
    retentionMs,
  }: {
    readonly presented: ReferencePresentation
    readonly policy: ReferencePolicy
    readonly retentionMs: number
  },
): string => {
  const refused = refusal(world, session, presented)
  if (refused !== null) return refused
  const p = presented.generation
  const g = session.generation
  if (p > g) {
    startGeneration(world, session, p, presented.keyId)
    return 'recovered'
  }
  const age = session.graceFromMs === null ? Number.POSITIVE_INFINITY : Math.abs(world.nowMs - session.graceFromMs)
  // A grace of 0 switches the rules 6, 7 and 8 off, also where no time has passed.
  const young = policy.graceMs !== 0 && age <= policy.graceMs
  if (p === g && !young) {
    startGeneration(world, session, g + 1, presented.nextKeyId)
    return 'rotated'
  }
  if (p === g || (p === g - 1 && young)) return 'replayed'
  const paid = session.late < policy.budget
  if (paid && p === g - 1) {
    session.late += 1
    session.graceFromMs = world.nowMs
    return 'replayed_late'
  }
  if (paid && p === g - 2 && young) {
    session.late += 1
    return 'replayed_late'
  }
  endIn(world, session, retentionMs)
  return 'reused'
}

/** The sessions that a new one of the subject displaces: the least recently refreshed of the living. */
export const displacedIn = (world: ReferenceWorld, subject: string, cap: number): readonly ReferenceSession[] => {
  const living = world.sessions.filter((session) => session.subject === subject && isLiveIn(world, session))
  living.sort((a, b) => a.rotatedAtMs - b.rotatedAtMs)
  return living.slice(0, Math.max(0, living.length + 1 - cap))
}
