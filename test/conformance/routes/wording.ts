import { describe, expect, test } from 'vitest'
import type { AuthConfig } from '../../../src/auth-config.ts'
import type { RefusalContext } from '../../../src/core/request/refusal.ts'
import type { Answer, Sent } from '../exchange.ts'
import { bearer, createBed, form, PASSWORD, post } from './bed.ts'
import type { Bed, Ground, Pair } from './bed.ts'
import { openBrowser, REFRESH } from './browser.ts'

/** Refusals of endpoints in other words (S0-4, S3-4): shapes and hooks reach them as they reach guards. */

/** Refused for one reason each, with the status that HTTP has for it; the record of answers knows other shapes not. */
const REFUSED: readonly (readonly [status: number, code: string, sent: Sent])[] = [
  [401, 'invalid_credentials', post('/auth/signin', { email: 'nobody@example.com', password: PASSWORD })],
  [401, 'refresh_token_invalid', post('/auth/refresh', { refresh_token: 'a.b.c' })],
  [
    400,
    'refresh_token_invalid',
    form('/auth/token', [
      ['grant_type', 'refresh_token'],
      ['refresh_token', 'a.b.c'],
    ]),
  ],
  [400, 'unsupported_grant_type', form('/auth/token', [['grant_type', 'none']])],
  [401, 'missing_token', { path: '/auth/me' }],
  [404, 'not_found', { path: '/auth/nothing' }],
  [405, 'method_not_allowed', { path: '/auth/signin' }],
]

const begin = async (ground: Ground, errors: NonNullable<AuthConfig['errors']>) =>
  createBed({ ...ground, record: { ...ground.record, note: () => undefined } }, { config: { errors } })

const bodyOf = ({ text }: Answer): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>

const shapes = (ground: Ground): void => {
  test.each(REFUSED)(
    '%i %s is a problem document with the status that is sent (RFC 9457 §3.1)',
    async (status, code, sent) => {
      const answer = await (await begin(ground, { body: 'problem' })).send(sent)
      expect([answer.status, answer.header('content-type')]).toEqual([status, 'application/problem+json'])
      expect(bodyOf(answer)).toMatchObject({ type: `urn:jotward:${code}`, status })
      expect(answer.header('www-authenticate') === null).toBe(status !== 401)
    },
  )

  test.each(REFUSED)('%i %s has one message where that is the shape (S3-6)', async (status, _code, sent) => {
    const answer = await (await begin(ground, { body: { messageKey: 'msg' } })).send(sent)
    expect([answer.status, Object.keys(bodyOf(answer))]).toEqual([status, ['msg']])
  })
}

/** A bed whose hook notes what it is told. */
const withHook = async (ground: Ground) => {
  const told: RefusalContext[] = []
  const change = { status: 418, headers: { 'x-shape': 'ours' }, body: { detail: 'short and stout' } } as const
  const hook = (context: RefusalContext) => {
    told.push(context)
    return change
  }
  return { bed: await begin(ground, { on: { default: hook } }), told }
}

const hooks = (ground: Ground): void => {
  test.each(REFUSED)(
    '%i %s is shaped by its hook, which sees the request and has the last word (S3-4)',
    async (status, code, sent) => {
      const { bed, told } = await withHook(ground)
      const answer = await bed.send(sent)
      expect([answer.status, answer.header('x-shape'), bodyOf(answer)]).toEqual([
        418,
        'ours',
        { detail: 'short and stout' },
      ])
      expect(told.map((context) => [context.code, context.status])).toEqual([[code, status]])
      expect(told[0]?.request).toMatchObject({ method: sent.method ?? 'GET', path: sent.path })
    },
  )

  test('a hook that answers a reuse leaves the cookies to be forgotten', async () => {
    const on = { refresh_token_reused: () => ({ status: 303, headers: { location: '/login' }, body: null }) }
    const quiet = { ...ground, record: { ...ground.record, note: () => undefined } }
    const config = { errors: { on }, delivery: 'cookie', refreshToken: { grace: 0 } } as const
    const bed: Bed = await createBed(quiet, { config })
    const browser = openBrowser(bed)
    await browser.signIn(await bed.signUp())
    const [token, csrf] = [browser.valueOf(REFRESH), browser.valueOf('jotward-csrf-refresh')]
    await browser.succeeds({ method: 'POST', path: '/auth/refresh' })
    browser.plant(REFRESH, token, '/auth')
    const answer = await browser.send({ method: 'POST', path: '/auth/refresh' }, { csrf })
    expect([answer.status, answer.header('location'), browser.names()]).toEqual([303, '/login', []])
  })
}

const JSON_TOKENS = { locations: { order: ['header', 'json'], body: { name: 'token', refreshName: 'again' } } } as const

const at = (path: string, token: string): Sent => ({ method: 'POST', path, headers: [['X-Token', token]] })

const carried = (ground: Ground): void => {
  test('in a JSON body is no unknown member, under whatever name it has (S3-10)', async () => {
    const bed = await createBed(ground, { config: JSON_TOKENS })
    const { user, pair } = await bed.newcomer()
    const token = pair.access_token
    expect(await bed.succeeds<Pair>(post('/auth/reauthenticate', { token, password: PASSWORD }))).toMatchObject({
      token_type: 'Bearer',
    })
    await bed.refuses(post('/auth/reauthenticate', { token, password: PASSWORD, role: 'x' }), 'invalid_body')
    await bed.refuses(post('/auth/reauthenticate', { token: 'a.b.c', password: PASSWORD }), 'token_invalid')
    await bed.refuses(post('/auth/reauthenticate', { token: 1, password: PASSWORD }), 'malformed_credentials')
    await bed.succeeds<Pair>(post('/auth/refresh', { again: pair.refresh_token }))
    const two = { again: pair.refresh_token, refresh_token: pair.refresh_token }
    await bed.succeeds<Pair>(post('/auth/refresh', two))
    await bed.refuses(post('/auth/refresh', { again: pair.refresh_token, role: 'x' }), 'invalid_body')
    const next = { current: PASSWORD, next: 'a hat made of old newspapers' }
    const renewed = await bed.succeeds<Pair>(post('/auth/password', { token, ...next }))
    expect([await bed.opens(pair), await bed.countOf(user.id)]).toEqual([false, 1])
    await bed.succeeds(post('/auth/signout', { token: renewed.access_token }), 204)
    expect(await bed.opens(renewed)).toBe(false)
  })

  test('in a JSON body is unknown where it is not looked for', async () => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer()
    const body = { access_token: pair.access_token, password: PASSWORD }
    await bed.refuses(post('/auth/reauthenticate', body, bearer(pair.access_token)), 'invalid_body')
    await bed.refuses(post('/auth/signout', { access_token: pair.access_token }), 'invalid_body')
    expect(await bed.opens(pair)).toBe(true)
  })

  test('is found for a sign-out and a refresh where the application looks; what fails there is told to the operator', async () => {
    const state = { isFailing: false }
    const find = (request: { header: (name: string) => string | null }): string | null => {
      if (state.isFailing) throw new Error('the finder is broken')
      return request.header('x-token')
    }
    const bed = await createBed(
      { ...ground, record: { ...ground.record, note: () => undefined } },
      { config: { locations: { order: ['header', 'custom'], find } } },
    )
    const { pair } = await bed.newcomer()
    const next = await bed.succeeds<Pair>(at('/auth/refresh', pair.refresh_token))
    state.isFailing = true
    for (const path of ['/auth/refresh', '/auth/signout'])
      await bed.refuses(at(path, next.refresh_token), 'hook_failed')
    expect(bed.events).toContain('failure')
    state.isFailing = false
    await bed.succeeds(at('/auth/signout', next.access_token), 204)
    expect(await bed.opens(next)).toBe(false)
  })
}

export const wordingScenarios = (ground: Ground): void => {
  describe('refusals in other words', () => {
    shapes(ground)
    hooks(ground)
  })

  describe('a token', () => {
    carried(ground)
  })
}
