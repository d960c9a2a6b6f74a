import assert from 'node:assert/strict'
import type { Presentation } from '../../core/session/rotation.ts'
import type { RevocationChange } from '../../core/session/revocation-set.ts'
import { entriesOf as logOf } from '../revocation-log/fixtures.ts'
import type { Session, SessionState } from '../../core/session/session.ts'
import { newIdentifier } from '../../core/token/identifier.ts'
import type { CreationPolicy, NewSession, Rotation } from '../../ports/session-store.ts'
import type { StoreUnderTest } from '../store-under-test.ts'

/** What the proofs of the promises of `SessionStore` share. */

export const GRACE_MS = 30_000
/** Seconds. */
export const RETENTION = 906

export const POLICY = { graceMs: GRACE_MS, lateReplays: 1, retention: RETENTION }
export const STRICT = { graceMs: 0, lateReplays: 0, retention: RETENTION }
export const CREATION: CreationPolicy = { retention: RETENTION, maxPerSubject: 50 }

export const MINUTE_MS = 60_000
export const DAY_MS = 86_400_000

export const newSession = (given: Partial<NewSession> = {}): NewSession => {
  const subject = given.subject ?? 'ann'
  return {
    // A sharded store finds the place of a session from its identifier.
    id: newIdentifier(subject),
    subject,
    authTime: null,
    absoluteLifetime: 180 * 86_400,
    stamp: { subject: 0, global: 0 },
    grant: {
      permissions: ['orders:read'],
      claims: { role: 'editor' },
      audience: ['https://api.example.com'],
      clientId: 'app',
      accessLifetime: 900,
      idleLifetime: 30 * 86_400,
      credentialVersion: 1,
    },
    keyThumbprint: null,
    device: 'Firefox on Linux',
    refreshData: { theme: 'dark' },
    refreshKeyId: 'key-1',
    ...given,
  }
}

/** Makes a session that must be made, and returns it. */
export const created = async (
  { store }: StoreUnderTest,
  given: Partial<NewSession> = {},
  policy: CreationPolicy = CREATION,
): Promise<Session> => {
  const creation = await store.sessions.create(newSession(given), policy)
  assert.equal(creation.outcome, 'created')
  return creation.session
}

/** A presentation of the session's token of a generation. */
export const presented = (session: Session, generation: number, given: Partial<Presentation> = {}): Presentation => ({
  sessionId: session.id,
  subject: session.subject,
  generation,
  createdAt: session.createdAt,
  keyId: 'key-1',
  nextKeyId: 'key-1',
  keyThumbprint: null,
  ...given,
})

/** Presents a generation and returns the outcome. */
export const present = async (
  { store }: StoreUnderTest,
  session: Session,
  generation: number,
  policy = POLICY,
): Promise<Rotation> => store.sessions.rotate(presented(session, generation), policy)

export const outcomeOf = async (...parameters: Parameters<typeof present>): Promise<Rotation['outcome']> =>
  (await present(...parameters)).outcome

/** The session of an answer that must carry one, and the store's time. */
export const answered = (
  rotation: Rotation,
  outcome: Rotation['outcome'],
): { readonly session: Session; readonly nowMs: number } => {
  assert.equal(rotation.outcome, outcome)
  assert.ok('session' in rotation)
  return rotation
}

/** The live session as it stands in the store. */
export const standing = async ({ store }: StoreUnderTest, { id }: Session): Promise<Session> => {
  const session = await store.sessions.find(id)
  assert.ok(session !== null, 'the session should be alive')
  return session
}

/** The session after so many rotations, each when the grace of the one before was over. The last grace opens now. */
export const rotatedTo = async (opened: StoreUnderTest, session: Session, generation: number): Promise<Session> => {
  let { state } = session
  while (state.generation < generation) {
    // Each rotation follows from the one before.
    await opened.turn(GRACE_MS + 1)
    state = answered(await present(opened, session, state.generation), 'rotated').session.state
  }
  return standing(opened, session)
}

/** A new session of generation 3 whose grace opened `ageMs` ago. */
export const aged = async (opened: StoreUnderTest, ageMs: number): Promise<Session> => {
  const session = await rotatedTo(opened, await created(opened), 3)
  await opened.turn(ageMs)
  return session
}

/** What an operation has changed in the state of a session. */
export const changes = (before: SessionState, after: SessionState): Partial<SessionState> =>
  Object.fromEntries(Object.entries(after).filter(([name, value]) => value !== Reflect.get(before, name)))

/** Asserts that nobody gets anything for the session any more, whichever of its tokens is presented. */
export const assertDead = async (opened: StoreUnderTest, session: Session): Promise<void> => {
  for (const generation of [0, session.state.generation, session.state.generation + 1]) {
    // One after another: each must find what the one before has left.
    assert.equal(await outcomeOf(opened, session, generation), 'revoked')
  }
  assert.equal(await opened.store.sessions.find(session.id), null)
  const listed = await opened.store.sessions.list(session.subject)
  assert.ok(listed.every(({ id }) => id !== session.id))
}

/** Whether access tokens of the session are dead. */
export const isDenied = async ({ store }: StoreUnderTest, { id, subject, stamp }: Session): Promise<boolean> =>
  store.revocations.isRevokedAtSource({ tokenId: newIdentifier(subject), sessionId: id, subject, stamp })

/** Every entry of the log that tells of a session. */
export const entriesOf = async (opened: StoreUnderTest, { id }: Session): Promise<readonly RevocationChange[]> =>
  (await logOf(opened)).filter((entry) => entry.kind === 'session' && entry.id === id)

/** Calls `work` twenty times before any call has answered: enough for a race to show. */
export const crowd = <T>(work: (index: number) => T): Promise<Awaited<T>[]> =>
  Promise.all(Array.from({ length: 20 }, async (_, index) => await work(index)))
