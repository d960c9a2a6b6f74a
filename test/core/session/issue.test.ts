import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { IssueOptions } from '../../../src/core/session/issue-options.ts'
import { decodeUnverified } from '../../../src/core/token/jws.ts'
import { AUDIENCE, claimsOf, codeOf, createBed, ISSUER, problemsOf, START } from './issuer.ts'

const DAY = 86_400

/** The problems of one sign-in, whatever its types forbid; no session may come of it. */
const problemsOfIssue = async (options: object): Promise<readonly string[]> => {
  const bed = createBed()
  const problems = await problemsOf(() => bed.auth.issue({ subject: 'ann', ...options }))
  expect(await bed.auth.sessions.list('ann')).toHaveLength(problems.length > 0 ? 0 : 1)
  return problems
}

/** What a sign-in with these options gives. */
const issued = async (options: IssueOptions) => {
  const { session, accessToken, expiresIn } = await createBed().auth.issue({ subject: 'ann', ...options })
  return { session, claims: claimsOf(accessToken), expiresIn }
}

describe('an access token', () => {
  test('carries its claims in the order of ARCHITECTURE.md, then the custom ones (RFC 9068 §2.2)', async () => {
    const { auth } = createBed()
    await auth.revoke.everything()
    await auth.revoke.subject('ann')
    const permissions = ['orders:read', 'orders:write']
    const { accessToken, session } = await auth.issue({ subject: 'ann', permissions, claims: { role: 'chief', n: 1 } })
    const { header, payload } = decodeUnverified(accessToken)
    expect(Object.keys(header)).toEqual(['alg', 'kid', 'typ'])
    expect([header.alg, header.typ]).toEqual(['HS256', 'at+jwt'])
    expect(Object.entries(payload)).toEqual([
      ['iss', ISSUER],
      ['sub', 'ann'],
      ['aud', AUDIENCE],
      ['client_id', ISSUER],
      ['exp', START + 900],
      ['iat', START],
      ['jti', expect.stringMatching(/^[\w-]{24}$/)],
      ['sid', session.id],
      ['auth_time', START],
      ['scope', 'orders:read orders:write'],
      ['stamp', [session.stamp.subject, session.stamp.global]],
      ['role', 'chief'],
      ['n', 1],
    ])
    expect(Math.min(session.stamp.subject, session.stamp.global)).toBeGreaterThan(0)
  })

  test('has no scope where nothing was granted (RFC 9068 §2.2.3)', async () => {
    const { accessToken } = await createBed().auth.issue({ subject: 'ann' })
    expect(claimsOf(accessToken)).not.toHaveProperty('scope')
  })

  test('is another one at each sign-in, in a session of its own (N131)', async () => {
    const { auth } = createBed()
    const pairs = await Promise.all([1, 2, 3].map(() => auth.issue({ subject: 'ann' })))
    const ids = pairs.flatMap(({ accessToken, session }) => [claimsOf(accessToken)['jti'], session.id])
    expect(new Set(ids).size).toBe(6)
  })
})

test('answers with what the holder may know of the tokens', async () => {
  const { auth } = createBed()
  const pair = await auth.issue({ subject: 'ann', permissions: ['orders:read'] })
  expect(Object.keys(pair).toSorted()).toEqual([
    'accessToken',
    'expiresIn',
    'permissions',
    'refreshToken',
    'session',
    'sessionId',
    'tokenId',
  ])
  expect(pair.expiresIn).toBe(900)
  expect(pair.permissions).toEqual(['orders:read'])
  expect(pair.session).toEqual(await auth.sessions.find(pair.session.id))
})

describe('what is left out comes from the configuration', () => {
  test('in the session and in the token', async () => {
    const { auth } = createBed({ audience: ['https://a.example', 'https://b.example'], clientId: 'shop' })
    const { session, accessToken } = await auth.issue({ subject: 'ann' })
    expect(session).toMatchObject({
      subject: 'ann',
      createdAt: START,
      authTime: START,
      absoluteExpiresAt: START + 180 * DAY,
      stamp: { subject: 0, global: 0 },
      keyThumbprint: null,
      device: null,
      refreshData: null,
    })
    expect(session.grant).toEqual({
      permissions: [],
      claims: {},
      // Null: whatever is configured when a token is made.
      audience: null,
      clientId: null,
      accessLifetime: null,
      idleLifetime: 30 * DAY,
      credentialVersion: null,
    })
    expect(claimsOf(accessToken)).toMatchObject({ aud: ['https://a.example', 'https://b.example'], client_id: 'shop' })
  })
})

describe('each option takes effect', () => {
  test('permissions', async () => {
    const { session, claims } = await issued({ permissions: ['a', 'b:*'] })
    expect([session.grant.permissions, claims['scope']]).toEqual([['a', 'b:*'], 'a b:*'])
  })

  test('claims', async () => {
    const { session, claims } = await issued({ claims: { role: 'chief', teams: [{ id: 1 }], left: undefined } })
    expect(claims).toMatchObject({ role: 'chief', teams: [{ id: 1 }] })
    expect(claims).not.toHaveProperty('left')
    expect(session.grant.claims).toEqual({ role: 'chief', teams: [{ id: 1 }] })
  })

  test('refreshData, which no token carries', async () => {
    const { session, claims } = await issued({ refreshData: { canary: 'not for tokens' } })
    expect(session.refreshData).toEqual({ canary: 'not for tokens' })
    expect(JSON.stringify(claims)).not.toContain('canary')
  })

  test('device, of which 200 characters are kept, and none cut in two', async () => {
    expect((await issued({ device: 'Firefox' })).session.device).toBe('Firefox')
    const { device } = (await issued({ device: `${'x'.repeat(199)}🦊🦊` })).session
    expect(device).toBe(`${'x'.repeat(199)}🦊`)
  })

  test('device, which loses control characters and halves of characters', async () => {
    const { device } = (await issued({ device: 'Fire\u0000fox\u001b[31m on\u0085 \ud83eLinux\r\n' })).session
    expect(device).toBe('Firefox[31m on Linux')
  })

  test('audience, one or several', async () => {
    const one = await issued({ audience: 'https://one.example' })
    expect([one.session.grant.audience, one.claims['aud']]).toEqual([['https://one.example'], 'https://one.example'])
    const two = await issued({ audience: ['https://one.example', 'two'] })
    expect(two.claims['aud']).toEqual(['https://one.example', 'two'])
  })

  test('clientId', async () => {
    const { session, claims } = await issued({ clientId: 'tablet' })
    expect([session.grant.clientId, claims['client_id']]).toEqual(['tablet', 'tablet'])
  })

  test('authTime', async () => {
    const { session, claims } = await issued({ authTime: START - 60 })
    expect([session.authTime, session.createdAt, claims['auth_time']]).toEqual([START - 60, START, START - 60])
  })

  test('authTime of 1970, which is not the same as none', async () => {
    expect((await issued({ authTime: 0 })).claims['auth_time']).toBe(0)
  })

  test('accessLifetime', async () => {
    const { claims, expiresIn } = await issued({ accessLifetime: '5m' })
    expect([claims['exp'], expiresIn]).toEqual([START + 300, 300])
  })

  test('idleLifetime', async () => {
    const { session } = await issued({ idleLifetime: '1d' })
    expect(session.state.idleExpiresAtMs).toBe(session.state.rotatedAtMs + DAY * 1000)
  })

  test('absoluteLifetime', async () => {
    expect((await issued({ absoluteLifetime: '2d' })).session.absoluteExpiresAt).toBe(START + 2 * DAY)
  })

  test('credentialVersion', async () => {
    expect((await issued({ credentialVersion: 0 })).session.grant.credentialVersion).toBe(0)
  })
})

test('ends no later than its session, however long its lifetime (N137)', async () => {
  const { auth } = createBed()
  const { accessToken, expiresIn, session } = await auth.issue({ subject: 'ann', absoluteLifetime: '10m' })
  expect(claimsOf(accessToken)['exp']).toBe(session.absoluteExpiresAt)
  expect(expiresIn).toBe(600)
  expect(session.state.idleExpiresAtMs).toBe(session.absoluteExpiresAt * 1000)
})

describe('refuses to issue, naming the option', () => {
  const span = 'must be a duration like "15m", of at most 365 days'
  const date = 'must be whole seconds since 1970, not later than now'
  const name = 'must be a string of 1 to 255 characters without control characters'
  const json = 'must be an object of JSON values'
  const ring: unknown[] = []
  ring.push(ring)

  test.each<readonly [string, object, string]>([
    ['permissions in one text', { permissions: 'orders:read' }, 'permissions: must be a list of permissions'],
    ['two permissions in one name', { permissions: ['a b'] }, 'permissions: "a b" is not a permission'],
    ['an empty permission', { permissions: [''] }, 'permissions: "" is not a permission'],
    ['a permission that is no text', { permissions: [7n] }, 'permissions: what is not a string is not a permission'],
    ['claims in a text', { claims: 'role' }, `claims: ${json}`],
    ['claims in a list', { claims: ['role'] }, `claims: ${json}`],
    ['claims that are null', { claims: null }, `claims: ${json}`],
    ['a claim that is a date', { claims: { at: new Date(0) } }, `claims: ${json}`],
    ['a claim that is a function', { claims: { role: () => 'chief' } }, `claims: ${json}`],
    ['a claim that is NaN', { claims: { limit: Number.NaN } }, `claims: ${json}`],
    ['a claim that is a BigInt', { claims: { limit: 1n } }, `claims: ${json}`],
    ['a claim that holds itself', { claims: { ring } }, `claims: ${json}`],
    ['a claim sub, which is reserved', { claims: { sub: 'eve' } }, 'claims: sub cannot be custom claims'],
    ['refreshData that is a map', { refreshData: new Map() }, 'refreshData: must be a JSON value'],
    ['refreshData with a gap', { refreshData: [undefined] }, 'refreshData: must be a JSON value'],
    ['a device that is no text', { device: 7 }, 'device: must be a string'],
    ['no audience', { audience: [] }, `audience: ${name}, or a list of such`],
    ['an empty audience', { audience: '' }, `audience: ${name}, or a list of such`],
    ['an audience that is no text', { audience: ['a', 7] }, `audience: ${name}, or a list of such`],
    ['an empty clientId', { clientId: '' }, `clientId: ${name}`],
    ['a clientId that is no text', { clientId: 7 }, `clientId: ${name}`],
    ['a clientId with a NUL', { clientId: 'a\0b' }, `clientId: ${name}`],
    ['an authTime in milliseconds', { authTime: START * 1000 }, `authTime: ${date}`],
    ['an authTime to come', { authTime: START + 7 }, `authTime: ${date}`],
    ['an authTime before 1970', { authTime: -1 }, `authTime: ${date}`],
    ['an authTime that is a date', { authTime: new Date(0) }, `authTime: ${date}`],
    ['an authTime with a fraction', { authTime: 1.5 }, `authTime: ${date}`],
    ['an accessLifetime of nothing', { accessLifetime: 0 }, `accessLifetime: ${span}`],
    ['an accessLifetime in words', { accessLifetime: '15 min' }, `accessLifetime: ${span}`],
    [
      'an accessLifetime that would outlive its revocation (N124)',
      { accessLifetime: 3601 },
      'accessLifetime: must not exceed accessToken.longestLifetime',
    ],
    [
      'an idleLifetime in which an honest client cannot refresh (I5)',
      { idleLifetime: 1860 },
      'idleLifetime: must exceed 2 x (grace + access lifetime) = 1860 s',
    ],
    ['an idleLifetime in digits', { idleLifetime: '900' }, `idleLifetime: ${span}`],
    ['an absoluteLifetime above 365 days', { absoluteLifetime: '366d' }, `absoluteLifetime: ${span}`],
    ['an absoluteLifetime that is null', { absoluteLifetime: null }, `absoluteLifetime: ${span}`],
    // Kept as null, it would switch the check of the user's credentials off.
    ['a credentialVersion of NaN', { credentialVersion: Number.NaN }, 'credentialVersion: must be a whole number'],
    ['a credentialVersion in a text', { credentialVersion: '1' }, 'credentialVersion: must be a whole number'],
    ['a credentialVersion below 0', { credentialVersion: -1 }, 'credentialVersion: must be a whole number'],
    ['an unknown option', { permission: ['a'] }, 'permission: is not a setting; did you mean "permissions"?'],
  ])('%s', async (_title, options, problem) => {
    expect(await problemsOfIssue(options)).toEqual([problem])
  })

  test('and every other one with it', async () => {
    const problems = await problemsOfIssue({ permissions: 'a', claims: 7, device: 7, authTime: -1, acessLifetime: 5 })
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'acessLifetime',
      'permissions',
      'claims',
      'device',
      'authTime',
    ])
  })

  test.each([null, undefined, 7, 'ann', []])('what is no object of options: %j', async (options) => {
    const { auth } = createBed()
    // What the types forbid arrives from JavaScript all the same.
    const check = (() => options) as () => IssueOptions
    expect(await problemsOf(() => auth.issueAfter('ann', check))).toEqual([': a sign-in needs an object of options'])
  })
})

test.each(['iss', 'sub', 'aud', 'exp', 'iat', 'nbf', 'jti', 'client_id', 'sid', 'auth_time', 'scope', 'stamp', 'act'])(
  'gives the name %s to nobody as a custom claim',
  async (claim) => {
    expect(await problemsOfIssue({ claims: { [claim]: 'mine' } })).toEqual([`claims: ${claim} cannot be custom claims`])
  },
)

test('refuses claims that their schema refuses, with its words', async () => {
  const bed = createBed({ accessToken: { claims: z.object({ role: z.enum(['clerk', 'chief']) }) } })
  expect(await problemsOf(() => bed.auth.issue({ subject: 'ann', claims: { role: 'god' } }))).toEqual([
    expect.stringMatching(/^claims: .*"clerk"\|"chief"/),
  ])
  expect(await bed.auth.sessions.list('ann')).toEqual([])
  expect(bed.events).toEqual([])
})

test('puts the input of the schema into the token, and gives its output to who verifies', async () => {
  const since = z.object({ since: z.iso.date().transform((day) => new Date(day).getTime()) })
  const { auth } = createBed({ accessToken: { claims: since } })
  const { accessToken } = await auth.issue({ subject: 'ann', claims: { since: '1970-01-02' } })
  expect(claimsOf(accessToken)['since']).toBe('1970-01-02')
  expect((await auth.verify(accessToken)).claims).toEqual({ since: 86_400_000 })
})

describe('a subject', () => {
  const problem = 'subject: must be a string of 1 to 255 characters without control characters'

  test.each<readonly [string, unknown]>([
    ['empty', ''],
    ['longer than 255', 'x'.repeat(256)],
    ['not a string', 7],
    ['missing', undefined],
    // Clients of databases that end a text at NUL would take it for ann.
    ['with a NUL', 'ann\0x'],
    ['with a line break', 'ann\n'],
    ['with DEL', 'ann\u007f'],
    ['with a C1 control', 'ann\u0085'],
    ['with half of a surrogate pair', 'ann\ud83e'],
  ])('that is %s is refused, for a new session and for its end', async (_title, subject) => {
    const bed = createBed()
    const attempt = subject as string
    let checks = 0
    const check = () => {
      checks += 1
      return {}
    }
    expect(await problemsOf(() => bed.auth.issueAfter(attempt, check))).toEqual([problem])
    expect(await problemsOf(() => bed.auth.issue({ subject: attempt }))).toEqual([problem])
    expect(await problemsOf(() => bed.auth.revoke.subject(attempt))).toEqual([problem])
    expect(checks, 'no credentials were checked').toBe(0)
    expect(bed.events).toEqual([])
  })

  test('that is null ends nobody: it is not everybody', async () => {
    const bed = createBed()
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    const nobody: unknown = null
    expect(await problemsOf(() => bed.auth.revoke.subject(nobody as string))).toEqual([problem])
    expect((await bed.auth.verify(accessToken)).subject).toBe('ann')
  })

  test.each(['x'.repeat(255), 'usr_1', 'ann@example.com', 'Zoë 🦊', ' ', '\u202e', '*'])(
    'may be %s',
    async (subject) => {
      const { auth } = createBed()
      const { accessToken, refreshToken } = await auth.issue({ subject })
      expect((await auth.verify(accessToken)).subject).toBe(subject)
      expect((await auth.refresh(refreshToken)).session.subject).toBe(subject)
      await auth.revoke.subject(subject)
      expect(await codeOf(() => auth.verify(accessToken))).toBe('token_revoked')
    },
  )
})
