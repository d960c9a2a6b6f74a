import * as fc from 'fast-check'
import { expect } from 'vitest'
import type { Session } from '../../../src/core/session/session.ts'
import { secretKey } from '../../../src/core/token/secret.ts'
import { signRefreshToken } from '../../../src/core/token/refresh-token.ts'
import { newSession } from '../../../src/testing/session-store/fixtures.ts'
import type { StoreUnderTest } from '../../../src/testing/store-under-test.ts'
import { displacedIn, endIn, isLiveIn, isOutdatedIn, presentIn } from './reference-sessions.ts'
import type { ReferencePolicy, ReferenceSession, ReferenceWorld } from './reference-sessions.ts'

/** Everything that may happen to a store, as commands that fast-check strings together and shrinks. */

export const GRACE_MS = 30_000
const RETENTION = 906
const CAP = 3
const IDLE = 86_400
const ABSOLUTE = 5 * 86_400

export interface Real {
  readonly opened: StoreUnderTest
  readonly policy: ReferencePolicy
  /** The bytes of each refresh token ever made, by session and generation. */
  readonly tokens: Map<string, string>
  /** How often each outcome was met. */
  readonly outcomes: Map<string, number>
}

type Command = fc.AsyncCommand<ReferenceWorld, Real>

const SUBJECTS = ['ann', 'bob'] as const
const KEY = secretKey(
  new Uint8Array(32).map((_, index) => index * 7),
  'HS256',
  'key-1',
)

/** I1: one value for each session and generation. */
const rememberToken = ({ tokens }: Real, session: Session): void => {
  const name = `${session.id}.${session.state.generation}`
  const token = signRefreshToken('https://issuer.example', session, KEY)
  expect(token).toBe(tokens.get(name) ?? token)
  tokens.set(name, token)
}

const expectLike = (session: Session, reference: ReferenceSession): void => {
  expect(session).toMatchObject({
    id: reference.id,
    subject: reference.subject,
    createdAt: reference.createdAt,
    absoluteExpiresAt: reference.absoluteEndMs / 1000,
    stamp: reference.stamp,
    keyThumbprint: reference.boundTo,
    state: {
      generation: reference.generation,
      refreshKeyId: reference.keyId,
      rotatedAtMs: reference.rotatedAtMs,
      graceFromMs: reference.graceFromMs,
      idleExpiresAtMs: reference.idleEndMs,
      lateReplays: reference.late,
    },
  })
}

/** After each command: every session stands in the store as in the reference, and so does every revocation. */
const compare = async (world: ReferenceWorld, { opened: { store } }: Real): Promise<void> => {
  for (const reference of world.sessions) {
    // One after another, as everything here.
    const session = await store.sessions.find(reference.id)
    if (isLiveIn(world, reference)) {
      if (session === null) throw new Error('the session should be alive')
      expectLike(session, reference)
    } else expect(session).toBeNull()
    const { id, subject, stamp, deniedUntilMs } = reference
    const token = { tokenId: 'token', sessionId: id, subject, stamp }
    const denied = await store.revocations.isRevoked(token)
    // These stores keep no copy: what a process knows is what the source says.
    expect(await store.revocations.isRevokedAtSource(token)).toBe(denied)
    if (isOutdatedIn(world, reference) || (deniedUntilMs ?? 0) > world.nowMs) expect(denied).toBe(true)
    else if (deniedUntilMs === null) expect(denied).toBe(false)
  }
  for (const subject of SUBJECTS) {
    const living = world.sessions.filter((session) => session.subject === subject && isLiveIn(world, session))
    const listed = await store.sessions.list(subject)
    expect(listed.map(({ id }) => id).toSorted()).toEqual(living.map(({ id }) => id).toSorted())
  }
}

const command = (
  name: string,
  run: (world: ReferenceWorld, real: Real) => Promise<void>,
  check: (world: ReferenceWorld) => boolean = () => true,
): Command => ({
  check,
  run: async (world, real) => {
    await run(world, real)
    await compare(world, real)
  },
  toString: () => name,
})

const turn = (milliseconds: number): Command =>
  command(`turn ${milliseconds}`, async (world, { opened }) => {
    world.nowMs += milliseconds
    await opened.turn(milliseconds)
  })

const timesOf = (sessions: readonly ReferenceSession[]): readonly number[] =>
  sessions.map(({ rotatedAtMs }) => rotatedAtMs).toSorted((a, b) => a - b)

const create = (subject: string, boundTo: string | null): Command =>
  command(`create ${subject} ${boundTo ?? 'unbound'}`, async (world, { opened, ...real }) => {
    const displaced = displacedIn(world, subject, CAP)
    const stamp = { subject: world.epochs.get(subject) ?? 0, global: world.globalEpoch }
    const grant = { ...newSession().grant, idleLifetime: IDLE }
    const creation = await opened.store.sessions.create(
      newSession({ subject, stamp, grant, keyThumbprint: boundTo, absoluteLifetime: ABSOLUTE }),
      { retention: RETENTION, maxPerSubject: CAP },
    )
    if (creation.outcome !== 'created') throw new Error(`create answered ${creation.outcome}`)
    const evicted = world.sessions.filter(({ id }) => creation.evicted.includes(id))
    // Which one of several refreshed in one millisecond gives way is open.
    expect(timesOf(evicted)).toEqual(timesOf(displaced))
    for (const session of evicted) endIn(world, session, RETENTION * 1000)
    const createdAt = Math.floor(world.nowMs / 1000)
    world.sessions.push({
      id: creation.session.id,
      subject,
      createdAt,
      absoluteEndMs: (createdAt + ABSOLUTE) * 1000,
      idleMs: IDLE * 1000,
      boundTo,
      stamp,
      generation: 0,
      keyId: 'key-1',
      graceFromMs: null,
      rotatedAtMs: world.nowMs,
      idleEndMs: world.nowMs + IDLE * 1000,
      late: 0,
      suspended: false,
      ended: false,
      deniedUntilMs: null,
    })
    rememberToken({ opened, ...real }, creation.session)
  })

const hasSessions = ({ sessions }: ReferenceWorld): boolean => sessions.length > 0

const pick = ({ sessions }: ReferenceWorld, index: number): ReferenceSession => {
  const session = sessions[index % sessions.length]
  if (session === undefined) throw new Error('a command on a session runs only where there is one')
  return session
}

export type Flaw = 'none' | 'subject' | 'iat' | 'key'

const present = (index: number, behind: number, flaw: Flaw): Command =>
  command(
    `present session ${index}, ${behind} behind, flaw ${flaw}`,
    async (world, real) => {
      const session = pick(world, index)
      const { generation: before, idleEndMs } = session
      const presented = {
        subject: flaw === 'subject' ? 'eve' : session.subject,
        createdAt: session.createdAt + (flaw === 'iat' ? 1 : 0),
        generation: Math.max(0, before - behind),
        keyId: 'key-1',
        nextKeyId: 'key-2',
        thumbprint: flaw === 'key' ? 'another' : session.boundTo,
      }
      const { thumbprint, ...rest } = presented
      const rotation = await real.opened.store.sessions.rotate(
        { sessionId: session.id, keyThumbprint: thumbprint, ...rest },
        { graceMs: real.policy.graceMs, lateReplays: real.policy.budget, retention: RETENTION },
      )
      const outcome = presentIn(world, session, { presented, policy: real.policy, retentionMs: RETENTION * 1000 })
      expect(rotation.outcome).toBe(outcome)
      real.outcomes.set(outcome, (real.outcomes.get(outcome) ?? 0) + 1)
      if ('session' in rotation) {
        expect(rotation.nowMs).toBe(world.nowMs)
        expectLike(rotation.session, session)
        expect(rotation.session.state.endedAtMs === null).toBe(!session.ended)
        if (rotation.outcome !== 'reused') rememberToken(real, rotation.session)
        expect(rotation.session.state.generation).toBeGreaterThanOrEqual(before)
        if (outcome !== 'rotated' && outcome !== 'recovered')
          expect(rotation.session.state.idleExpiresAtMs).toBe(idleEndMs)
        if (session.boundTo !== null) expect(thumbprint).toBe(session.boundTo)
      }
    },
    hasSessions,
  )

const end = (index: number): Command =>
  command(
    `end session ${index}`,
    async (world, { opened }) => {
      const session = pick(world, index)
      const reference = { id: session.id, subject: session.subject, reason: 'revoked' as const }
      const answer = await opened.store.sessions.end(reference, { retention: RETENTION })
      expect(answer).toBe(session.ended ? 'already' : 'ended')
      if (!session.ended) endIn(world, session, RETENTION * 1000)
    },
    hasSessions,
  )

const suspend = (index: number, suspended: boolean): Command =>
  command(
    `${suspended ? 'suspend' : 'resume'} session ${index}`,
    async (world, { opened }) => {
      const session = pick(world, index)
      const reference = { id: session.id, subject: session.subject, suspended }
      await opened.store.sessions.suspend(reference, { retention: RETENTION })
      if (session.ended) return
      session.suspended = suspended
      session.deniedUntilMs = suspended ? world.nowMs + RETENTION * 1000 : null
    },
    hasSessions,
  )

const bump = (subject: string | null): Command =>
  command(`bump ${subject ?? 'everybody'}`, async (world, { opened }) => {
    const epoch = await opened.store.revocations.bump(subject)
    expect(epoch).toBeGreaterThanOrEqual(world.nowMs)
    expect(epoch).toBeGreaterThan(subject === null ? world.globalEpoch : (world.epochs.get(subject) ?? 0))
    if (subject === null) world.globalEpoch = epoch
    else world.epochs.set(subject, epoch)
  })

const TURNS = [1, GRACE_MS - 1, GRACE_MS, GRACE_MS + 1, -1, -GRACE_MS, -GRACE_MS - 1, 2 * GRACE_MS, 3_600_000]
const LONG_TURNS = [IDLE * 1000 - 1, IDLE * 1000, 2 * IDLE * 1000, RETENTION * 1000]

const index = fc.nat({ max: 5 })

/** Strings of commands; presentations are the most frequent by far. */
export const sessionCommands = (maxCommands: number) =>
  fc.commands<ReferenceWorld, Real, false>(
    [
      fc.tuple(fc.constantFrom(...SUBJECTS), fc.constantFrom(null, 'mine')).map((given) => create(...given)),
      fc.tuple(index, fc.integer({ min: 0, max: 1 })).map(([at, behind]) => present(at, behind, 'none')),
      fc.tuple(index, fc.integer({ min: -2, max: 3 })).map(([at, behind]) => present(at, behind, 'none')),
      fc
        .tuple(index, fc.integer({ min: -1, max: 2 }), fc.constantFrom<Flaw>('subject', 'iat', 'key'))
        .map((given) => present(...given)),
      fc.constantFrom(...TURNS).map(turn),
      fc.constantFrom(...TURNS, ...LONG_TURNS).map(turn),
      index.map(end),
      fc.tuple(index, fc.boolean()).map((given) => suspend(...given)),
      fc.constantFrom(...SUBJECTS, ...SUBJECTS, null).map(bump),
    ],
    { maxCommands, size: '+1' },
  )

export const policies: fc.Arbitrary<ReferencePolicy> = fc.constantFrom(
  { graceMs: GRACE_MS, budget: 1 },
  { graceMs: GRACE_MS, budget: 0 },
  { graceMs: GRACE_MS, budget: 2 },
  { graceMs: 0, budget: 0 },
)

/** A fresh world beside a fresh store, both at the same moment. */
export const beginWorld = (nowMs: number): ReferenceWorld => ({
  nowMs,
  sessions: [],
  epochs: new Map(),
  globalEpoch: 0,
})
