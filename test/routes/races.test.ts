import { describe, expect, test } from 'vitest'
import type { StoreWithUsers as Store } from '../../src/ports/store.ts'
import type { UserDirectory } from '../../src/ports/user-directory.ts'
import { bearer, cheapHasher, createBed, PASSWORD, post } from '../conformance/routes/bed.ts'
import type { Bed, Ground, Settings } from '../conformance/routes/bed.ts'
import { createRecord } from '../conformance/routes/record.ts'
import { serveFetch } from '../conformance/serve-fetch.ts'
import { openMemoryStore, openSqliteStore } from '../conformance/stores.ts'

/** What happens when something else happens in the midst of a request. */

const NEXT = 'a hat made of old newspapers'
const OTHERS = 'what somebody else has chosen'

/** Something that happens once, at a moment to be chosen. */
const createIncident = () => {
  let pending: (() => Promise<unknown>) | null = null
  return {
    plan: (act: () => Promise<unknown>): void => {
      pending = act
    },
    now: async (): Promise<void> => {
      const act = pending
      pending = null
      await act?.()
    },
  }
}

type Incident = ReturnType<typeof createIncident>

/** The real hasher and the real directory, with moments in between at which an incident may fall. */
const MOMENTS: Readonly<Record<string, (incident: Incident) => Settings>> = {
  'once the current password has been checked': (incident) => {
    const hasher = cheapHasher()
    const verify = async (password: string, hash: string): Promise<boolean> => {
      const matches = await hasher.verify(password, hash)
      await incident.now()
      return matches
    }
    return { options: { passwords: { hasher: { ...hasher, verify } } } }
  },
  'while the next password is being hashed': (incident) => {
    const hasher = cheapHasher()
    const hash = async (password: string): Promise<string> => {
      const hashed = await hasher.hash(password)
      await incident.now()
      return hashed
    }
    return { options: { passwords: { hasher: { ...hasher, hash } } } }
  },
}

const GROUNDS = [
  ['memory', openMemoryStore],
  ['sqlite', openSqliteStore],
] as const

const groundOn = (openStore: Ground['openStore']): Ground => ({
  serve: serveFetch,
  after: 'nothing',
  openStore,
  record: createRecord(),
})

/** Changes somebody's password behind the back of the request, as another of their devices would. */
const changeElsewhere = async ({ store, auth }: Bed, id: string): Promise<void> => {
  const user = await store.users.findById(id)
  const hash = await cheapHasher().hash(OTHERS)
  await store.users.replacePassword(id, { expected: user?.passwordHash ?? null, hash, changed: true })
  await auth.revoke.subject(id)
}

const signsIn = async (bed: Bed, email: string, password: string): Promise<boolean> =>
  (await bed.send(post('/auth/signin', { email, password }))).status === 200

describe.each(GROUNDS)('on %s', (_name, openStore) => {
  const ground = groundOn(openStore)

  test.each(Object.entries(MOMENTS))(
    'a password that is changed elsewhere %s is not changed once more by who knew the old one',
    async (_moment, settings) => {
      const incident = createIncident()
      const bed = await createBed(ground, settings(incident))
      const { user, pair } = await bed.newcomer()
      incident.plan(() => changeElsewhere(bed, user.id))
      const change = post('/auth/password', { current: PASSWORD, next: NEXT }, bearer(pair.access_token))
      await bed.refuses(change, 'invalid_credentials')
      expect([await signsIn(bed, user.email, OTHERS), await signsIn(bed, user.email, NEXT)]).toEqual([true, false])
    },
  )

  test('a sign-in with a password that is changed in its midst makes no session', async () => {
    const incident = createIncident()
    const bed = await createBed(ground, MOMENTS['once the current password has been checked']?.(incident))
    const user = await bed.signUp()
    incident.plan(() => changeElsewhere(bed, user.id))
    await bed.refuses(post('/auth/signin', { email: user.email, password: PASSWORD }), 'invalid_credentials')
    expect(await bed.countOf(user.id)).toBe(0)
  })

  test('a sign-in in whose midst the user signs out everywhere makes a session that began after it', async () => {
    const incident = createIncident()
    const bed = await createBed(ground, MOMENTS['once the current password has been checked']?.(incident))
    const user = await bed.signUp()
    incident.plan(() => bed.auth.revoke.subject(user.id))
    const pair = await bed.signIn(user)
    expect(await bed.opens(pair)).toBe(true)
    await bed.succeeds(bed.refresh(pair))
  })

  /** The directory, with a moment after each change of a password. */
  const afterReplacing = (incident: Incident): Settings => ({
    store: (now): Store => {
      const store = openStore(now)
      const replacePassword: UserDirectory['replacePassword'] = async (...change) => {
        const user = await store.users.replacePassword(...change)
        await incident.now()
        return user
      }
      return { ...store, users: { ...store.users, replacePassword } }
    },
  })

  test('who is disabled in the midst of a change of password gets no session for it', async () => {
    const incident = createIncident()
    const bed = await createBed(ground, afterReplacing(incident))
    const { user, pair } = await bed.newcomer()
    incident.plan(async () => {
      await bed.store.users.update(user.id, { active: false })
      await bed.auth.revoke.subject(user.id)
    })
    const change = post('/auth/password', { current: PASSWORD, next: NEXT }, bearer(pair.access_token))
    await bed.refuses(change, 'invalid_credentials')
    expect(await bed.countOf(user.id)).toBe(0)
  })

  test('who has another password by then gets no session for the one in between', async () => {
    const incident = createIncident()
    const bed = await createBed(ground, afterReplacing(incident))
    const { user, pair } = await bed.newcomer()
    incident.plan(() => changeElsewhere(bed, user.id))
    const change = post('/auth/password', { current: PASSWORD, next: NEXT }, bearer(pair.access_token))
    await bed.refuses(change, 'invalid_credentials')
    expect([await bed.countOf(user.id), await signsIn(bed, user.email, OTHERS)]).toEqual([0, true])
  })
})
