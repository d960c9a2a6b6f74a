import { expect } from 'vitest'
import { decodeUnverified } from '../../src/core/token/jws.ts'
import { claimsOf, codeOf, createBed, redeploy } from '../core/session/issuer.ts'
import { noise } from '../core/token/fixtures.ts'
import { ask, bearer, signedIn } from './ask.ts'
import type { Effects } from './ask.ts'

const headerOf = (token: string) => decodeUnverified(token).header

const [FORMER, CURRENT] = [noise('former'), noise('current')] as const

/** The name that an issuer gives to a secret. */
const keyIdOf = async (secret: Uint8Array): Promise<string> => {
  const { pair } = await signedIn({ keys: { secret } })
  return String(headerOf(pair.accessToken).kid)
}

/** Answers of the application in the place of Jotward's. */
export const HOOKS: Effects = {
  'hooks.claims': async () => {
    const { pair } = await signedIn({ hooks: { claims: () => ({ claims: { role: 'hooked' } }) } })
    expect(claimsOf(pair.accessToken)['role']).toBe('hooked')
    expect(claimsOf((await signedIn()).pair.accessToken)).not.toHaveProperty('role')
  },
  'hooks.headers': async () => {
    const { pair } = await signedIn({ hooks: { headers: ({ subject }) => ({ tenant: `of ${subject}` }) } })
    expect(headerOf(pair.accessToken)).toMatchObject({ typ: 'at+jwt', tenant: 'of ann' })
    expect(headerOf((await signedIn()).pair.accessToken)).not.toHaveProperty('tenant')
  },
  'hooks.signingKey': async () => {
    const keys = { secret: CURRENT, previousSecrets: [FORMER] }
    const former = await keyIdOf(FORMER)
    const { pair } = await signedIn({ keys, hooks: { signingKey: () => former } })
    expect(headerOf(pair.accessToken).kid).toBe(former)
    expect(headerOf((await signedIn({ keys })).pair.accessToken).kid).toBe(await keyIdOf(CURRENT))
  },
  'hooks.verificationKey': async () => {
    const bed = await signedIn({ keys: { secret: FORMER } })
    const keys = { secret: CURRENT, previousSecrets: [FORMER] }
    const current = await keyIdOf(CURRENT)
    expect(await codeOf(() => redeploy(bed, { keys }).verify(bed.pair.accessToken))).toBe('accepted')
    const choosing = redeploy(bed, { keys, hooks: { verificationKey: () => current } })
    expect(await codeOf(() => choosing.verify(bed.pair.accessToken))).toBe('token_invalid')
  },
  'hooks.isRevoked': async () => {
    const bed = await signedIn()
    const listing = redeploy(bed, { hooks: { isRevoked: ({ subject }) => subject === 'ann' } })
    const headers = bearer(bed.pair.accessToken)
    expect((await ask(bed.auth, { headers })).code).toBe('accepted')
    expect((await ask(listing, { headers })).code).toBe('token_revoked')
    expect((await ask(listing, { headers }, { revocation: 'skip' })).code).toBe('accepted')
  },
  'hooks.verify': async () => {
    const bed = await signedIn()
    const strict = redeploy(bed, { hooks: { verify: async ({ subject }) => subject !== 'ann' } })
    const headers = bearer(bed.pair.accessToken)
    expect((await ask(bed.auth, { headers })).code).toBe('accepted')
    expect((await ask(strict, { headers })).code).toBe('verification_failed')
  },
  'hooks.onEvent': async () => {
    const types: string[] = []
    const { auth } = createBed({ hooks: { onEvent: ({ type }) => types.push(type) } })
    await auth.issue({ subject: 'ann' })
    expect(types).toEqual(['session.created'])
  },
}
