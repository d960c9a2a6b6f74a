import { requestView } from '../../src/adapters/web-response.ts'
import type { Guarding } from '../../src/auth.ts'
import type { AuthConfig } from '../../src/auth-config.ts'
import type { Requirement } from '../../src/core/request/requirement.ts'
import { createBed } from '../core/session/issuer.ts'

/** What a setting changes, seen: without it one thing happens, with it another. */
export type Effects = Readonly<Record<string, () => Promise<void>>>

export interface Sent {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** What a guard makes of a request: who calls and from where, or the answer that refuses. */
export const ask = async (auth: Guarding<unknown, string>, sent: Sent = {}, requirement: Requirement = {}) => {
  const { method = 'GET', path = '/', headers = {}, body = null } = sent
  const request = new Request(`https://api.example.com${path}`, { method, headers, body })
  const verdict = await auth.guard(requirement)(requestView(request))
  if ('refusal' in verdict) return { ...verdict.refusal, subject: null, location: null }
  const { principal, cookies } = verdict
  return { code: 'accepted', subject: principal?.subject ?? null, location: principal?.location ?? null, cookies }
}

export const bearer = (token: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${token}` })

export const cookie = (name: string, token: string): Readonly<Record<string, string>> => ({
  cookie: `${name}=${token}`,
})

/** An issuer with a session of ann's. */
export const signedIn = async (change: Partial<AuthConfig> = {}) => {
  const bed = createBed(change)
  return { ...bed, pair: await bed.auth.issue({ subject: 'ann' }) }
}

const isUnset = (value: string): boolean => value.includes('Max-Age=0')

const nameOf = (value: string): string => value.slice(0, value.indexOf('='))

/** Names of the cookies that values of `Set-Cookie` set, and of those that they unset. */
export const namesOf = (values: readonly string[]) => ({
  set: values.filter((value) => !isUnset(value)).map(nameOf),
  unset: values.filter(isUnset).map(nameOf),
})
