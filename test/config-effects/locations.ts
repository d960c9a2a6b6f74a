import { expect } from 'vitest'
import type { LocationsConfig } from '../../src/core/request/locations.ts'
import { redeploy } from '../core/session/issuer.ts'
import { ask, bearer, signedIn } from './ask.ts'
import type { Effects, Sent } from './ask.ts'

type Tokens = Readonly<Record<'access' | 'refresh', string>>

/** What becomes of one request with and without a setting, whichever of the two tokens it carries. */
const compare = async (
  locations: LocationsConfig,
  sent: (tokens: Tokens) => Sent,
  token: 'access' | 'refresh' = 'access',
): Promise<readonly [withIt: string, without: string]> => {
  const bed = await signedIn()
  const { accessToken: access, refreshToken: refresh } = bed.pair
  const places: LocationsConfig = locations.order === undefined ? { order: ['header', 'query', 'json', 'form'] } : {}
  const make = (changed: LocationsConfig) => redeploy(bed, { locations: { ...places, ...changed } })
  const request = sent({ access, refresh })
  const [changed, plain] = [make(locations), make({})]
  return [(await ask(changed, request, { token })).code, (await ask(plain, request, { token })).code]
}

const json = (members: object): Sent => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(members),
})

const FOUND = ['accepted', 'missing_token']
const UNLIKE = ['accepted', 'malformed_credentials']

type Effect = () => Promise<void>

/** A setting under which a request is accepted that is refused without it. */
const effect =
  (expected: readonly string[], ...comparison: Parameters<typeof compare>): Effect =>
  async () => {
    expect(await compare(...comparison)).toEqual(expected)
  }

const inHeader =
  (name: string, scheme: string) =>
  ({ access }: Tokens): Sent => ({ headers: { [name]: `${scheme}${access}` } })

/** Where tokens are looked for. */
export const LOCATIONS: Effects = {
  'locations.order': async () => {
    expect(await compare({ order: ['query'] }, ({ access }) => ({ path: `/?access_token=${access}` }))).toEqual(FOUND)
    const { auth, pair } = await signedIn({ locations: { order: ['query'] } })
    expect((await ask(auth, { headers: bearer(pair.accessToken) })).code).toBe('missing_token')
  },
  'locations.refreshOrder': effect(
    FOUND,
    { order: ['header'], refreshOrder: ['query'] },
    ({ refresh }) => ({ path: `/?refresh_token=${refresh}` }),
    'refresh',
  ),
  'locations.header.name': effect(FOUND, { header: { name: 'X-API-Key' } }, inHeader('x-api-key', 'Bearer ')),
  'locations.header.schemes': async () => {
    const either = { header: { schemes: ['JWT', 'Bearer'] } }
    expect(await compare(either, inHeader('authorization', 'JWT '))).toEqual(FOUND)
    expect(await compare({ header: { schemes: [''] } }, inHeader('authorization', ''))).toEqual(FOUND)
  },
  'locations.query.name': effect(FOUND, { query: { name: 'jwt' } }, ({ access }) => ({ path: `/?jwt=${access}` })),
  'locations.query.refreshName': effect(
    FOUND,
    { query: { refreshName: 'again' } },
    ({ refresh }) => ({ path: `/?again=${refresh}` }),
    'refresh',
  ),
  'locations.query.prefix': effect(UNLIKE, { query: { prefix: 'Bearer ' } }, ({ access }) => ({
    path: `/?access_token=Bearer%20${access}`,
  })),
  'locations.body.name': effect(FOUND, { body: { name: 'jwt' } }, ({ access }) => json({ jwt: access })),
  'locations.body.refreshName': effect(
    FOUND,
    { body: { refreshName: 'again' } },
    ({ refresh }) => json({ again: refresh }),
    'refresh',
  ),
  'locations.find': effect(
    FOUND,
    { order: ['custom'], find: async (request) => request.header('x-token') },
    inHeader('x-token', ''),
  ),
  'locations.several': effect(UNLIKE, { several: 'first' }, ({ access }) => ({
    headers: bearer(access),
    path: `/?access_token=${access}`,
  })),
}
