import { expect } from 'vitest'
import { AUTH_ERRORS, AuthError } from '../../src/core/errors.ts'
import type { AuthErrorCode } from '../../src/core/errors.ts'
import type { ErrorsConfig } from '../../src/core/request/refusal.ts'
import { createBed } from '../core/session/issuer.ts'
import type { Effects } from './ask.ts'

const CODES = Object.keys(AUTH_ERRORS) as AuthErrorCode[]

const refusalOf = async (code: AuthErrorCode, errors: ErrorsConfig) => {
  const { status, headers, body } = await createBed({ errors }).auth.refuse(new AuthError(code))
  const members: unknown = JSON.parse(body)
  return { status, type: headers['content-type'], members }
}

/** A hook that answers as nothing else does. */
const teapot = () => ({ status: 418, body: { short: 'stout' } })

const OWN = { status: 418, members: { short: 'stout' } }

const byCode = (code: AuthErrorCode): readonly [string, () => Promise<void>] => [
  `errors.on.${code}`,
  async () => {
    expect(await refusalOf(code, { on: { [code]: teapot } })).toMatchObject(OWN)
    expect(await refusalOf(code, {})).toMatchObject({ status: AUTH_ERRORS[code].status, members: { code } })
    const other = CODES.find((each) => each !== code) ?? 'token_invalid'
    expect(await refusalOf(other, { on: { [code]: teapot } })).toMatchObject({ members: { code: other } })
  },
]

/** How refusals are worded. */
export const WORDING: Effects = {
  'errors.body': async () => {
    const { message, status } = AUTH_ERRORS.token_expired
    expect(await refusalOf('token_expired', { body: { messageKey: 'msg' } })).toEqual({
      status,
      type: 'application/json',
      members: { msg: message },
    })
    expect(await refusalOf('token_expired', { body: 'problem' })).toMatchObject({
      type: 'application/problem+json',
      members: { title: message, status, code: 'token_expired' },
    })
    expect(await refusalOf('token_expired', {})).toMatchObject({ members: { error_description: message } })
  },
  'errors.on.default': async () => {
    const on = { default: teapot, token_expired: () => ({ status: 440 }) }
    expect(await refusalOf('not_found', { on })).toMatchObject(OWN)
    expect(await refusalOf('token_expired', { on })).toMatchObject({ status: 440, members: { code: 'token_expired' } })
  },
  ...Object.fromEntries(CODES.map(byCode)),
}
