import { beginSession, byRecency } from '../../core/session/lifecycle.ts'
import type { Session } from '../../core/session/session.ts'
import type {
  Creation,
  Ending,
  NewSession,
  Rotation,
  SessionReference,
  SessionStore,
} from '../../ports/session-store.ts'
import type { Bucket } from './buckets.ts'
import type { StoreParts } from './parts.ts'
import { toInteger, toList, toText, writeOptional } from './replies.ts'
import { readLiving, readSession, writeFixed } from './session-row.ts'
import { storeError } from './runner.ts'

type Change = { readonly kind: 'end'; readonly reason: string } | { readonly kind: 'suspend' | 'resume' }

const ENDINGS: ReadonlySet<string> = new Set<Ending>(['ended', 'already', 'foreign'])

const readEnding = (reply: unknown): Ending => {
  const ending = toText(reply)
  if (!ENDINGS.has(ending)) throw new Error(`the script answered ${ending}`)
  // One of the set above.
  return ending as Ending
}

const readCreation = (wanted: NewSession, reply: unknown): Creation => {
  const [outcome, now, ...evicted] = toList(reply).map(toText)
  if (outcome === 'exists' || outcome === 'outdated') return { outcome }
  if (outcome !== 'created') throw new Error(`the script answered ${outcome}`)
  const nowMs = toInteger(now)
  return { outcome, session: beginSession(wanted, nowMs), nowMs, evicted }
}

/** What a rotation came to, and whether the session has ended by it or before. */
interface Judged {
  readonly rotation: Rotation
  readonly hasEnded: boolean
}

const readRotation = (id: string, reply: unknown): Rotation => {
  const list = toList(reply)
  const outcome = toText(list[0])
  switch (outcome) {
    case 'unknown':
    case 'revoked':
    case 'key_mismatch':
      return { outcome }
    case 'rotated':
    case 'replayed':
    case 'replayed_late':
    case 'recovered':
    case 'reused':
      return { outcome, session: readSession(id, list, 2), nowMs: toInteger(list[1]) }
    default:
      throw new Error(`the script answered ${outcome}`)
  }
}

const readJudged = (id: string, reply: unknown): Judged => {
  const rotation = readRotation(id, reply)
  const { outcome } = rotation
  return { rotation, hasEnded: outcome === 'reused' || (outcome === 'revoked' && toList(reply)[1] !== undefined) }
}

const readListed = (rest: readonly unknown[]): readonly Session[] => {
  const sessions: Session[] = []
  for (let at = 0; at < rest.length; at += 2) sessions.push(readSession(toText(rest[at]), toList(rest[at + 1])))
  return sessions
}

const CREATING = 'creating a session'

/** Of an identifier that begins with no place nothing was ever kept but what its subject's place was told. */
const bucketOf = ({ buckets }: StoreParts, { id, subject }: SessionReference): Bucket =>
  buckets.ofId(id) ?? buckets.ofSubject(subject)

const createCreate =
  ({ runner, buckets }: StoreParts): SessionStore['create'] =>
  async (wanted, { maxPerSubject, retention }) => {
    const bucket = buckets.ofSubject(wanted.subject)
    if (buckets.ofId(wanted.id) !== bucket) {
      // Kept elsewhere than its epochs, it could not be ended with them.
      throw storeError(CREATING, new Error('its identifier does not begin with the place of its subject'))
    }
    const { stamp, absoluteLifetime, grant, keyThumbprint, refreshKeyId } = wanted
    const args = [
      wanted.id,
      wanted.subject,
      ...[stamp.subject, stamp.global, absoluteLifetime, grant.idleLifetime].map(String),
      writeOptional(keyThumbprint),
      writeFixed(wanted),
      refreshKeyId,
      String(maxPerSubject),
      String(retention * 1000),
    ]
    return runner.runDurably({ operation: CREATING, bucket, script: 'create', args }, (reply) =>
      readCreation(wanted, reply),
    )
  }

const createSettle =
  (parts: StoreParts) =>
  (reference: SessionReference, change: Change, retention: number): Promise<Ending> => {
    const { id, subject } = reference
    const isEnd = change.kind === 'end'
    const call = {
      operation: isEnd ? 'ending a session' : 'suspending a session',
      bucket: bucketOf(parts, reference),
      script: 'settle',
      args: [id, subject, change.kind, isEnd ? change.reason : '', String(retention * 1000)],
    } as const
    return parts.runner.runDurably(call, readEnding)
  }

const createRotate =
  (parts: StoreParts, settle: ReturnType<typeof createSettle>): SessionStore['rotate'] =>
  async (presented, { graceMs, lateReplays, retention }) => {
    const { sessionId: id, subject, generation, createdAt, keyId, nextKeyId, keyThumbprint } = presented
    const args = [
      id,
      subject,
      String(generation),
      String(createdAt),
      keyId,
      nextKeyId,
      writeOptional(keyThumbprint),
      String(graceMs),
      String(lateReplays),
      String(retention * 1000),
    ]
    const bucket = bucketOf(parts, { id, subject })
    const call = { operation: 'rotating a session', bucket, script: 'rotate', args } as const
    const { rotation, hasEnded } = await parts.runner.run(call, (reply) => readJudged(id, reply))
    // A plain rotation need not be durable, and only now is it known that this was none: ended once more, for good. One that
    // was found ended too: whoever ended it may have been told that it is not known whether the replicas have it, and the
    // client that hears of it here asks no more.
    if (hasEnded && parts.runner.isReplicated) {
      await settle({ id, subject }, { kind: 'end', reason: 'reused' }, retention)
    }
    return rotation
  }

/** Sessions as hashes. What the scripts decide is what `decideRotation` and `lifecycle.ts` decide. */
export const redisSessionStore = (parts: StoreParts): SessionStore => {
  const { runner, buckets } = parts
  const settle = createSettle(parts)
  return {
    create: createCreate(parts),
    rotate: createRotate(parts, settle),
    find: async (id) => {
      const bucket = buckets.ofId(id)
      if (bucket === null) return null
      const call = { operation: 'finding a session', bucket, script: 'find', args: [id] } as const
      const sessions = await runner.run(call, (reply) => readLiving(reply, ([row]) => [readSession(id, toList(row))]))
      return sessions.at(0) ?? null
    },
    list: (subject) => {
      const bucket = buckets.ofSubject(subject)
      const call = { operation: 'listing sessions', bucket, script: 'list', args: [subject] } as const
      return runner.run(call, (reply) => readLiving(reply, readListed).toSorted(byRecency))
    },
    end: (reference, { retention }) => settle(reference, { kind: 'end', reason: reference.reason }, retention),
    suspend: async (reference, { retention }) => {
      await settle(reference, { kind: reference.suspended ? 'suspend' : 'resume' }, retention)
    },
  }
}
