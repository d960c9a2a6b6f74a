import { describe, expect, test } from 'vitest'
import { createAuth } from '../../../src/auth.ts'
import { ConfigError } from '../../../src/core/errors.ts'
import type { LocationsConfig } from '../../../src/core/request/locations.ts'
import type { RequestBody, RequestView } from '../../../src/core/request/request-view.ts'
import type { Requirement } from '../../../src/core/request/requirement.ts'
import { memoryStore } from '../../../src/stores/memory/index.ts'

const SECRET = 'k3J9xZq8vT2mN5pR7wY1bC4dF6gH0jLs'

const begin = async (locations: LocationsConfig = {}) => {
  const base = { issuer: 'https://api.example.com', audience: 'api', keys: { secret: SECRET }, store: memoryStore() }
  const auth = createAuth({ ...base, locations })
  const { accessToken: token } = await auth.issue({ subject: 'ann' })
  const ask = async (request: Partial<Parts>, requirement: Requirement = {}) => {
    const verdict = await auth.guard(requirement)(view(request))
    if ('refusal' in verdict) return (JSON.parse(verdict.refusal.body) as { code: string }).code
    return verdict.principal?.subject ?? 'nobody'
  }
  return { token, ask }
}

interface Parts {
  readonly headers: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, readonly string[]>>
  readonly body: RequestBody | Promise<RequestBody | null>
}

const view = ({ headers = {}, query = {}, body }: Partial<Parts>): RequestView => ({
  method: 'POST',
  path: '/',
  parameter: () => null,
  header: (name) => headers[name] ?? null,
  query: (name) => query[name] ?? [],
  body: () => body ?? null,
})

describe('the Authorization header (S3-6, S3-10)', () => {
  test('may have another name and other schemes', async () => {
    const { token, ask } = await begin({ header: { name: 'X-Token', schemes: ['JWT', 'Token'] } })
    expect(await ask({ headers: { 'x-token': `jwt ${token}` } })).toBe('ann')
    expect(await ask({ headers: { 'x-token': `Token ${token}` } })).toBe('ann')
    expect(await ask({ headers: { 'x-token': `Bearer ${token}` } })).toBe('missing_token')
    expect(await ask({ headers: { authorization: `Bearer ${token}` } })).toBe('missing_token')
    expect(await ask({ headers: { 'x-token': `Token ${token}, Token ${token}` } })).toBe('malformed_credentials')
  })

  test('may carry the bare token, and then nothing but that', async () => {
    const { token, ask } = await begin({ header: { schemes: [''] } })
    expect(await ask({ headers: { authorization: token } })).toBe('ann')
    expect(await ask({ headers: { authorization: `Bearer ${token}` } })).toBe('malformed_credentials')
  })

  test('is alone looked at unless more is configured', async () => {
    const { token, ask } = await begin()
    expect(await ask({ query: { access_token: [token] } })).toBe('missing_token')
    expect(await ask({ body: { kind: 'json', members: { access_token: token } } })).toBe('missing_token')
  })
})

describe('other places', () => {
  test('a query parameter, with a prefix where one is asked for, once', async () => {
    const { token, ask } = await begin({ order: ['query'], query: { name: 'jwt', prefix: 'Bearer ' } })
    expect(await ask({ query: { jwt: [`Bearer ${token}`] } })).toBe('ann')
    expect(await ask({ query: { jwt: [token] } })).toBe('malformed_credentials')
    expect(await ask({ query: { jwt: [`Bearer ${token}`, 'x'] } })).toBe('malformed_credentials')
    expect(await ask({ query: { jwt: [''] } })).toBe('missing_token')
  })

  test.each(['json', 'form'] as const)('a member of a %s body, and of no other kind of body', async (kind) => {
    const { token, ask } = await begin({ order: [kind], body: { name: 'token' } })
    const other = kind === 'json' ? 'form' : 'json'
    expect(await ask({ body: Promise.resolve({ kind, members: { token } }) })).toBe('ann')
    expect(await ask({ body: { kind, members: { token } } })).toBe('ann')
    expect(await ask({ body: { kind: other, members: { token } } })).toBe('missing_token')
    expect(await ask({ body: { kind, members: { token: [token, token] } } })).toBe('malformed_credentials')
    expect(await ask({ body: { kind, members: Object.create({ token }) as Record<string, unknown> } })).toBe(
      'missing_token',
    )
  })

  test('a route may name its own', async () => {
    const { token, ask } = await begin()
    expect(await ask({ query: { access_token: [token] } }, { locations: ['query'] })).toBe('ann')
    expect(await ask({ headers: { authorization: `Bearer ${token}` } }, { locations: ['query'] })).toBe('missing_token')
  })
})

const both = (token: string, other = token) => ({
  headers: { authorization: `Bearer ${token}` },
  query: { access_token: [other] },
})

describe('several places', () => {
  test('with a token in each are refused (RFC 6750 §2, N020)', async () => {
    const { token, ask } = await begin({ order: ['header', 'query'] })
    expect(await ask(both(token))).toBe('malformed_credentials')
    expect(await ask(both(token), { optional: true })).toBe('malformed_credentials')
  })

  test('give way to the first where that is configured, and a bad first one is not passed over', async () => {
    const { token, ask } = await begin({ order: ['header', 'query'], several: 'first' })
    expect(await ask(both(token, 'rubbish'))).toBe('ann')
    expect(await ask(both('rubbish', token))).toBe('token_invalid')
    expect(await ask({ headers: { authorization: 'Basic eDp5' }, query: { access_token: [token] } })).toBe('ann')
  })
})

test.each([
  [{ order: [] }, 'locations.order'],
  [{ order: ['header', 'header'] }, 'locations.order'],
  [{ order: ['cookies'] }, 'locations.order'],
  [{ header: { schemes: [] } }, 'locations.header.schemes'],
  [{ header: { name: 'a b' } }, 'locations.header.name'],
  [{ several: 'last' }, 'locations.several'],
  [{ oder: ['header'] }, 'did you mean "order"?'],
])('%j stops the start with a sentence', async (locations, sentence) => {
  // What the types forbid arrives from JavaScript all the same.
  const beginning = begin(locations as LocationsConfig)
  await expect(beginning).rejects.toThrow(ConfigError)
  await expect(beginning).rejects.toThrow(sentence)
})
