import { expect, test } from 'vitest'
import { z } from 'zod'
import { scryptHasher } from '../../src/passwords/scrypt.ts'
import { bearer, createBed, form, PASSWORD, post } from '../conformance/routes/bed.ts'
import type { Bed, Pair } from '../conformance/routes/bed.ts'
import type { Sent } from '../conformance/exchange.ts'
import { createRecord } from '../conformance/routes/record.ts'
import { serveFetch } from '../conformance/serve-fetch.ts'
import { openMemoryStore, openSqliteStore } from '../conformance/stores.ts'
import { describeVectors, readVectors } from '../vectors.ts'

/** Each place of a request where a stranger's text may stand. */
const PLACES: Readonly<Record<string, (text: string, pair: Pair) => Sent>> = {
  'the address at sign-up': (text) => post('/auth/signup', { email: text, password: PASSWORD }),
  'the address at sign-in': (text) => post('/auth/signin', { email: text, password: PASSWORD }),
  'the local part of an address': (text) => post('/auth/signin', { email: `${text}@example.com`, password: PASSWORD }),
  'the password at sign-in': (text) => post('/auth/signin', { email: 'ann@example.com', password: text }),
  'a member’s name': (text) => post('/auth/signin', { email: 'ann@example.com', password: PASSWORD, [text]: text }),
  'the refresh token': (text) => post('/auth/refresh', { refresh_token: text }),
  'the refresh token at sign-out': (text) => post('/auth/signout', { refresh_token: text }),
  'the current password': (text, { access_token }) =>
    post('/auth/password', { current: text, next: PASSWORD }, bearer(access_token)),
  'the grant': (text) => form('/auth/token', [['grant_type', text]]),
  'a form’s field': (text) =>
    form('/auth/token', [
      ['grant_type', 'refresh_token'],
      [text, text],
    ]),
  'the scope': (text, { refresh_token }) =>
    form('/auth/token', [
      ['grant_type', 'refresh_token'],
      ['refresh_token', refresh_token],
      ['scope', `x${text}`],
    ]),
  'the user name': (text) =>
    form('/auth/token', [
      ['grant_type', 'password'],
      ['username', text],
      ['password', text],
    ]),
  'a cursor': (text, { access_token }) => ({
    path: `/auth/users?after=${encodeURIComponent(text)}`,
    headers: bearer(access_token),
  }),
  'a query’s name': (text, { access_token }) => ({
    path: `/auth/users?${encodeURIComponent(text)}=1`,
    headers: bearer(access_token),
  }),
  'a subject': (text, { access_token }) => ({
    path: `/auth/sessions?subject=${encodeURIComponent(text)}`,
    headers: bearer(access_token),
  }),
  'a session’s id': (text, { access_token }) => ({
    method: 'DELETE',
    path: `/auth/sessions/${encodeURIComponent(text)}`,
    headers: bearer(access_token),
  }),
}

/** Nothing but a clear answer in JSON: no fault of ours, and nothing done. */
const expectClear = async (bed: Bed, sent: Sent): Promise<void> => {
  const { status, text } = await bed.send(sent)
  expect([sent.path, status < 500]).toEqual([sent.path, true])
  expect(JSON.parse(text)).toBeTypeOf('object')
}

const cheapest = () => scryptHasher({ cost: 2 ** 10, blockSize: 1, parallelization: 1 })

const begin = async (openStore = openMemoryStore) => {
  const ground = { serve: serveFetch, after: 'nothing', openStore, record: createRecord() } as const
  const schema = z.strictObject({ name: z.string() })
  const bed = await createBed(ground, { options: { passwords: { hasher: cheapest() } } })
  const named = await createBed(ground, { options: { passwords: { hasher: cheapest() }, signup: { schema } } })
  const { user, pair } = await bed.newcomer(['users:read', 'sessions:admin'])
  return { bed, named, user, pair }
}

describeVectors('naughty strings', () => {
  const strings = z.array(z.string()).parse(readVectors('strings/blns.json'))

  test('are there', () => {
    expect(strings.length).toBeGreaterThan(500)
  })

  test.each(Object.entries(PLACES))('get a clear answer as %s, and do nothing', async (_place, make) => {
    const { bed, user, pair } = await begin(openSqliteStore)
    await Promise.all(strings.map((text) => expectClear(bed, make(text, pair))))
    expect(bed.events).not.toContain('failure')
    expect([await bed.countOf(user.id), await bed.opens(pair)]).toEqual([1, true])
    expect((await bed.store.users.list({ after: null, limit: 10 })).users.map(({ id }) => id)).toEqual([user.id])
  })

  test.each([
    ['memory', openMemoryStore],
    ['sqlite', openSqliteStore],
  ])('come back from %s as they went in: as passwords, and in the profile', async (_store, openStore) => {
    const { named } = await begin(openStore)
    const accepted = await Promise.all(
      strings.map(async (text, index) => {
        const [email, password] = [`user-${index}@example.com`, `${text} and a kitchen table`]
        const { status, text: answer } = await named.send(post('/auth/signup', { email, password, name: text }))
        if (status !== 201) return false
        expect(JSON.parse(answer)).toMatchObject({ profile: { name: text } })
        const { access_token } = await named.signIn({ email }, password)
        const me = await named.succeeds({ path: '/auth/me', headers: bearer(access_token) })
        expect(me).toMatchObject({ user: { profile: { name: text } } })
        return true
      }),
    )
    // Some are refused with a reason, as a lone half of a surrogate pair is; nearly all are good.
    expect(accepted.filter(Boolean).length).toBeGreaterThan(strings.length * 0.98)
    expect(named.events).not.toContain('failure')
  })
})
