import { describe, expect, test } from 'vitest'
import { bearer, claimsOf, createBed, form, PASSWORD, post } from './bed.ts'
import type { Bed, Ground, Pair } from './bed.ts'

type Fields = readonly (readonly [string, string])[]

const token = (...fields: Fields) => form('/auth/token', fields)

const byRefresh = ({ refresh_token }: Pick<Pair, 'refresh_token'>, ...more: Fields) =>
  token(['grant_type', 'refresh_token'], ['refresh_token', refresh_token], ...more)

const byPassword = (username: string, password = PASSWORD, ...more: Fields) =>
  token(['grant_type', 'password'], ['username', username], ['password', password], ...more)

const isWhole = async (bed: Bed, pair: Pair): Promise<void> => {
  expect(await bed.opens(pair)).toBe(true)
  await bed.succeeds(byRefresh(pair))
}

const grants = (ground: Ground): void => {
  test('exchanges a refresh token for a pair (RFC 6749 §6), as /auth/refresh does', async () => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer()
    const next = await bed.succeeds<Pair>(byRefresh(pair))
    expect(next).toMatchObject({ token_type: 'Bearer', expires_in: 900 })
    expect((await bed.succeeds<Pair>(bed.refresh(pair))).refresh_token).toBe(next.refresh_token)
  })

  test('exchanges address and password for a pair where that is switched on (RFC 6749 §4.3)', async () => {
    const bed = await createBed(ground)
    const { email } = await bed.signUp()
    await isWhole(bed, await bed.succeeds<Pair>(byPassword(email)))
  })

  test('does not know the password grant where it is not switched on (RFC 9700 §2.4)', async () => {
    const bed = await createBed(ground, { options: { passwordGrant: false } })
    const { user, pair } = await bed.newcomer()
    await bed.refuses(byPassword(user.email), 'unsupported_grant_type')
    await isWhole(bed, pair)
  })

  test.each(['client_credentials', 'authorization_code', 'PASSWORD', 'refresh_token ', '__proto__', 'toString'])(
    'does not know the grant %j',
    async (grant) => {
      const bed = await createBed(ground)
      const { user, pair } = await bed.newcomer()
      const rest = [
        ['refresh_token', pair.refresh_token],
        ['username', user.email],
        ['password', PASSWORD],
      ] as const
      await bed.refuses(token(['grant_type', grant], ...rest), 'unsupported_grant_type')
    },
  )

  test('answers invalid_grant with 400 and without a challenge (RFC 6749 §5.2)', async () => {
    const bed = await createBed(ground)
    const { user, pair } = await bed.newcomer()
    const next = await bed.succeeds<Pair>(byRefresh(pair))
    await bed.refuses(byPassword(user.email, 'wrong'), 'invalid_credentials')
    await bed.refuses(byPassword('nobody@example.com'), 'invalid_credentials')
    await bed.refuses(byRefresh({ refresh_token: 'a.b.c' }), 'refresh_token_invalid')
    bed.clock.now += 31
    await bed.succeeds(byRefresh(next))
    bed.clock.now += 31
    await bed.refuses(byRefresh(pair), 'refresh_token_reused')
  })
}

const parameters = (ground: Ground): void => {
  const REPEATS: Fields = [
    ['grant_type', 'refresh_token'],
    ['refresh_token', 'x'],
    ['scope', 'a'],
    ['unknown', 'b'],
  ]

  test.each(REPEATS)(
    'refuses %s when it is repeated, even with one and the same value (RFC 6749 §3.2)',
    async (name, value) => {
      const bed = await createBed(ground)
      const { pair } = await bed.newcomer()
      const more: Fields = [
        [name, value],
        [name, value],
      ]
      const rest = [
        ['grant_type', 'refresh_token'],
        ['refresh_token', pair.refresh_token],
      ] as const
      const sent = token(...rest.filter(([other]) => other !== name), ...more)
      expect(await bed.refuses(sent, 'invalid_body')).toEqual([{ path: name, problem: 'must not be repeated' }])
      await isWhole(bed, pair)
    },
  )

  test('ignores parameters that it does not know, and counts empty ones as left out (RFC 6749 §3.2)', async () => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer(['orders:read'])
    const unknown: Fields = [
      ['client_id', 'web'],
      ['resource', 'x'],
      ['__proto__', 'y'],
      ['constructor', 'z'],
      ['scope', ''],
    ]
    expect((await bed.succeeds<Pair>(byRefresh(pair, ...unknown))).scope).toBe('orders:read')
  })

  test.each([
    ['grant_type', [['refresh_token', 'x']]],
    [
      'grant_type',
      [
        ['grant_type', ''],
        ['refresh_token', 'x'],
      ],
    ],
    ['refresh_token', [['grant_type', 'refresh_token']]],
    [
      'refresh_token',
      [
        ['grant_type', 'refresh_token'],
        ['refresh_token', ''],
      ],
    ],
    [
      'username',
      [
        ['grant_type', 'password'],
        ['password', 'x'],
      ],
    ],
    [
      'password',
      [
        ['grant_type', 'password'],
        ['username', 'ann@example.com'],
      ],
    ],
  ] satisfies [string, Fields][])('names %s where it is missing', async (name, fields) => {
    const bed = await createBed(ground)
    const problems = await bed.refuses(token(...fields), 'invalid_body')
    expect(problems).toMatchObject([{ path: name }])
  })

  test('reads neither JSON nor the query (RFC 6749 §3.2)', async () => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer()
    const { refresh_token } = pair
    await bed.refuses(post('/auth/token', { grant_type: 'refresh_token', refresh_token }), 'unsupported_media_type')
    const query = `/auth/token?grant_type=refresh_token&refresh_token=${refresh_token}`
    await bed.refuses({ ...form(query, []), path: query }, 'invalid_body', { oauth: true })
    await isWhole(bed, pair)
  })
}

const scopes = (ground: Ground): void => {
  test('narrows one access token and leaves the session its grant (RFC 6749 §6, N134)', async () => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer(['orders:read', 'orders:write'])
    const narrow = await bed.succeeds<Pair>(byRefresh(pair, ['scope', 'orders:read']))
    expect([narrow.scope, claimsOf(narrow.access_token)['scope']]).toEqual(['orders:read', 'orders:read'])
    bed.clock.now += 31
    expect((await bed.succeeds<Pair>(byRefresh(narrow))).scope).toBe('orders:read orders:write')
  })

  test('narrows the whole session where it begins with less', async () => {
    const bed = await createBed(ground)
    const { user } = await bed.newcomer(['orders:read', 'orders:write'])
    const pair = await bed.succeeds<Pair>(byPassword(user.email, PASSWORD, ['scope', 'orders:read']))
    expect(pair.scope).toBe('orders:read')
    expect((await bed.succeeds<Pair>(byRefresh(pair))).scope).toBe('orders:read')
  })

  test.each([
    'orders:write',
    'orders:read orders:write',
    'admin',
    'ORDERS:READ',
    'orders:read,x',
    'orders:re"ad',
    'ä',
    'a\tb',
  ])('refuses the scope %j beyond what was granted, and ends nothing', async (scope) => {
    const bed = await createBed(ground)
    const { user, pair } = await bed.newcomer(['orders:read'])
    await bed.refuses(byRefresh(pair, ['scope', scope]), 'invalid_scope')
    await bed.refuses(byPassword(user.email, PASSWORD, ['scope', scope]), 'invalid_scope')
    expect(await bed.countOf(user.id)).toBe(1)
    await isWhole(bed, pair)
  })

  test('mints no malformed permission for who holds a wildcard or everything', async () => {
    const permissions = { names: ['admin', 'orders:*'], superPermission: 'admin' } as const
    const bed = await createBed(ground, { config: { permissions } })
    for (const held of permissions.names) {
      const { user, pair } = await bed.newcomer([held])
      for (const scope of ['orders:"', 'orders:\\', 'orders:ä', `orders:${'x'.repeat(200)}`]) {
        await bed.refuses(byRefresh(pair, ['scope', scope]), 'invalid_scope')
        await bed.refuses(byPassword(user.email, PASSWORD, ['scope', scope]), 'invalid_scope')
      }
      expect((await bed.succeeds<Pair>(byRefresh(pair, ['scope', 'orders:read orders:read']))).scope).toBe(
        'orders:read',
      )
    }
  })
}

export const tokenEndpointScenarios = (ground: Ground): void => {
  describe('the token endpoint', () => {
    grants(ground)
    parameters(ground)
    scopes(ground)

    test('takes its credentials from the form alone, whatever the Authorization header holds', async () => {
      const bed = await createBed(ground)
      const { pair } = await bed.newcomer()
      const sent = byRefresh(pair)
      await bed.succeeds({ ...sent, headers: [...(sent.headers ?? []), ...bearer('a.b.c')] })
    })
  })
}
