import { describe, expect, test } from 'vitest'
import { checkClaims } from '../../../src/core/token/claims.ts'
import type { ClaimRules } from '../../../src/core/token/claims.ts'
import type { JsonObject } from '../../../src/core/token/json.ts'
import { codeOf, detailOf } from './fixtures.ts'

const NOW = 1_767_225_600
const RULES: ClaimRules = {
  issuer: 'https://id.example',
  audience: ['https://api.example', 'orders'],
  clockTolerance: 0,
  maxLifetime: null,
  required: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti'],
}
const CLAIMS = {
  iss: 'https://id.example',
  sub: 'u1',
  aud: 'orders',
  exp: NOW + 900,
  iat: NOW - 60,
  jti: 't1',
}

/** Values of the wrong type for anything that is a date. */
const NO_DATES: readonly unknown[] = [
  null,
  true,
  false,
  '',
  String(NOW + 900),
  '1e10',
  [],
  [NOW + 900],
  {},
  { valueOf: NOW },
  -1,
  -0.001,
]

const judge = (claims: object, rules: Partial<ClaimRules> = {}, now = NOW): string =>
  codeOf(() =>
    checkClaims(JSON.parse(JSON.stringify({ ...CLAIMS, ...claims })) as JsonObject, { ...RULES, ...rules }, now),
  )

const log = (claims: object, rules: Partial<ClaimRules> = {}): string =>
  detailOf(() => checkClaims(JSON.parse(JSON.stringify(claims)) as JsonObject, { ...RULES, ...rules }, NOW))

test('accepts claims that keep every rule, and gives them back as they are', () => {
  const claims = { ...CLAIMS, nbf: NOW, auth_time: NOW - 60, sid: 's1', client_id: 'c1', scope: 'a b', custom: [{}] }
  expect(checkClaims(claims, RULES, NOW)).toBe(claims)
})

test.each(['iss', 'sub', 'aud', 'exp', 'iat', 'jti'])(
  'refuses a token without %s (N060, N063, N066 to N069)',
  (name) => {
    expect(judge({ [name]: undefined })).toBe('token_invalid')
  },
)

test('asks for issuer and audience even where nothing is required (RFC 8725 §3.8, §3.9, N056)', () => {
  expect(judge({ iss: undefined }, { required: [] })).toBe('token_invalid')
  expect(judge({ aud: undefined }, { required: [] })).toBe('token_invalid')
  expect(judge({ sub: undefined, exp: undefined, iat: undefined, jti: undefined }, { required: [] })).toBe('accepted')
})

test.each(['nonce', 'toString', 'constructor', '__proto__', 'hasOwnProperty'])(
  'a required %s cannot be inherited (N011)',
  (name) => {
    expect(judge({}, { required: [name] })).toBe('token_invalid')
  },
)

test('looks whether claims are there, then at their types, then at their values', () => {
  expect(log({ ...CLAIMS, iss: 'other', jti: 1, exp: undefined })).toBe('the claim exp is missing')
  expect(log({ ...CLAIMS, iss: 'other', jti: 1 })).toBe('the claim jti has the wrong type')
  expect(log({ ...CLAIMS, iss: 'other', exp: 0, iat: 0 })).toBe('the token is of another issuer')
})

describe('exp', () => {
  test('is the first second at which the token is refused (RFC 7519 §4.1.4, N060)', () => {
    expect(judge({ exp: NOW + 1 })).toBe('accepted')
    expect(judge({ exp: NOW + 0.5 })).toBe('accepted')
    expect(judge({ exp: NOW })).toBe('token_expired')
    expect(judge({ exp: NOW - 1, iat: NOW - 60 })).toBe('token_expired')
    expect(judge({ exp: 0, iat: 0 })).toBe('token_expired')
  })

  test('is extended by the tolerance, and by no more', () => {
    expect(judge({ exp: NOW - 4 }, { clockTolerance: 5 })).toBe('accepted')
    expect(judge({ exp: NOW - 5 }, { clockTolerance: 5 })).toBe('token_expired')
  })

  test.each(NO_DATES)('cannot be %j (N060)', (exp) => {
    expect(judge({ exp, iat: undefined }, { required: [] })).toBe('token_invalid')
  })

  test.each([(NOW + 900) * 1000, 2 ** 53, 1e308, 253_402_300_800])(
    'cannot be beyond the year 9999: %d (N061)',
    (exp) => {
      expect(judge({ exp })).toBe('token_invalid')
    },
  )

  test('cannot be infinite, as JSON.parse makes of 1e999 (N061)', () => {
    const claims = JSON.parse(JSON.stringify(CLAIMS).replace(String(CLAIMS.exp), '1e999')) as JsonObject
    expect(claims['exp']).toBe(Number.POSITIVE_INFINITY)
    expect(codeOf(() => checkClaims(claims, RULES, NOW))).toBe('token_invalid')
  })

  test('may have a fraction', () => {
    expect(judge({ exp: 1_767_226_500.5, iat: 1_767_225_599.25 })).toBe('accepted')
  })

  test('may have passed where a token only signs out, and all else is judged as ever', () => {
    expect(judge({ exp: NOW - 900, iat: NOW - 1800 }, { allowExpired: true })).toBe('accepted')
    expect(judge({ exp: 'never' }, { allowExpired: true })).toBe('token_invalid')
    expect(judge({ exp: undefined }, { allowExpired: true })).toBe('token_invalid')
    expect(judge({ nbf: NOW + 60 }, { allowExpired: true })).toBe('token_not_yet_valid')
    expect(judge({ exp: NOW - 900, iat: NOW - 1800, aud: 'other' }, { allowExpired: true })).toBe('token_invalid')
  })
})

describe('nbf', () => {
  test('is the first second at which the token is accepted (RFC 7519 §4.1.5, N062)', () => {
    expect(judge({ nbf: NOW })).toBe('accepted')
    expect(judge({ nbf: NOW + 1 })).toBe('token_not_yet_valid')
    expect(judge({ nbf: NOW + 5 }, { clockTolerance: 5 })).toBe('accepted')
    expect(judge({ nbf: NOW + 6 }, { clockTolerance: 5 })).toBe('token_not_yet_valid')
  })

  test.each([...NO_DATES, 2 ** 53])('cannot be %j (N062)', (nbf) => {
    expect(judge({ nbf })).toBe('token_invalid')
  })
})

describe('iat', () => {
  test('cannot lie in the future beyond the tolerance (N063)', () => {
    expect(judge({ iat: NOW })).toBe('accepted')
    expect(judge({ iat: NOW + 1 })).toBe('token_not_yet_valid')
    expect(judge({ iat: NOW + 5 }, { clockTolerance: 5 })).toBe('accepted')
    expect(judge({ iat: NOW + 6 }, { clockTolerance: 5 })).toBe('token_not_yet_valid')
    expect(judge({ iat: NOW * 1000, exp: undefined }, { required: [] })).toBe('token_invalid')
  })

  test('cannot lie after exp (N063)', () => {
    expect(judge({ iat: NOW + 901 }, { clockTolerance: 300 })).toBe('token_invalid')
    expect(judge({ iat: NOW - 60, exp: NOW - 61 }, { allowExpired: true })).toBe('token_invalid')
  })

  test.each(NO_DATES)('cannot be %j (N063)', (iat) => {
    expect(judge({ iat })).toBe('token_invalid')
  })
})

describe('the longest lifetime', () => {
  test('is counted from iat to exp (N061)', () => {
    expect(judge({ iat: NOW, exp: NOW + 900 }, { maxLifetime: 900 })).toBe('accepted')
    expect(judge({ iat: NOW, exp: NOW + 901 }, { maxLifetime: 900 })).toBe('token_invalid')
    expect(judge({ iat: 0, exp: NOW + 1 }, { maxLifetime: 900 })).toBe('token_invalid')
  })

  test('cannot be passed by leaving either end out (N063)', () => {
    for (const claims of [{ iat: undefined }, { exp: undefined }, { iat: undefined, exp: undefined }]) {
      expect(judge(claims, { maxLifetime: 900, required: [] })).toBe('token_invalid')
    }
  })
})

describe('iss', () => {
  test.each([
    ['https://evil.example'],
    ['https://id.example/'],
    ['https://id.example.evil.example'],
    ['https://id.exampl'],
    ['https://ID.example'],
    [' https://id.example'],
    ['https://\u0456d.example'],
    [''],
    [null],
    [1],
    [['https://id.example']],
    [{ 0: 'https://id.example' }],
  ])('cannot be %j (CVE-2025-30144, N066)', (iss) => {
    expect(judge({ iss })).toBe('token_invalid')
  })
})

describe('aud', () => {
  test.each([
    ['orders'],
    ['https://api.example'],
    [['orders']],
    [['other', 'https://api.example']],
    [['orders', 'orders']],
  ])('may be %j', (aud) => {
    expect(judge({ aud })).toBe('accepted')
  })

  test.each([
    ['other'],
    [''],
    ['order'],
    ['orders '],
    ['orders,other'],
    ['ORDERS'],
    ['orders*'],
    ['.*'],
    [null],
    [1],
    [true],
    [{}],
    [{ 0: 'orders' }],
    [[]],
    [['other']],
    [[['orders']]],
    [['orders', 1]],
    [['orders', null]],
    [[null]],
    [[{ orders: 1 }]],
  ])('cannot be %j (CVE-2020-26160, N067)', (aud) => {
    expect(judge({ aud })).toBe('token_invalid')
  })

  test('is taken literally, whatever it would mean as a pattern (N071)', () => {
    expect(judge({ aud: 'xorders' }, { audience: ['.*orders'] })).toBe('token_invalid')
    expect(judge({ aud: '.*orders' }, { audience: ['.*orders'] })).toBe('accepted')
  })
})

describe.each(['sub', 'jti', 'sid', 'client_id'])('%s', (name) => {
  test('is a text of 1 to 255 characters', () => {
    expect(judge({ [name]: 'x'.repeat(255) })).toBe('accepted')
    expect(judge({ [name]: '0' })).toBe('accepted')
  })

  test.each([[''], ['x'.repeat(256)], ['x'.repeat(65_536)], [null], [0], [1], [true], [['u1']], [{ id: 'u1' }]])(
    'cannot be %.20j, required or not (N068, N069)',
    (value) => {
      expect(judge({ [name]: value })).toBe('token_invalid')
      expect(judge({ [name]: value }, { required: [] })).toBe('token_invalid')
    },
  )
})

test.each([[['admin']], [null], [1], [{}], [true]])('scope cannot be %j (RFC 9068 §2.2.3, N070)', (scope) => {
  expect(judge({ scope })).toBe('token_invalid')
})

test.each([['admin'], [''], [null], [1], [{ admin: true }], [['admin', 1]], [[['admin']]]])(
  'permissions cannot be %j, which is never converted (N070)',
  (permissions) => {
    expect(judge({ permissions })).toBe('token_invalid')
  },
)

test('scope may be empty, and permissions a list', () => {
  expect(judge({ scope: '', permissions: ['admin'] })).toBe('accepted')
  expect(judge({ permissions: [] })).toBe('accepted')
})

test.each(NO_DATES)('auth_time cannot be %j', (value) => {
  expect(judge({ auth_time: value })).toBe('token_invalid')
})

test.each([Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY])(
  'a clock that shows %d refuses (N074)',
  (now) => {
    expect(judge({ nbf: NOW - 60 }, {}, now)).not.toBe('accepted')
  },
)

test('the same token is judged anew at each moment (N073, N074)', () => {
  expect(judge({}, {}, NOW + 899)).toBe('accepted')
  expect(judge({}, {}, NOW + 900)).toBe('token_expired')
  expect(judge({}, {}, NOW - 61)).toBe('token_not_yet_valid')
})
