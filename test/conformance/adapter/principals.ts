import { describe, expect, expectTypeOf, test } from 'vitest'
import type { Principal } from '../../../src/core/request/principal.ts'
import type { Serve } from '../serve.ts'
import { bearer, createBed } from './bed.ts'
import type { BoundPermission } from '../../../src/core/permission/permission-rules.ts'
import type { Claims, Permission } from './bed.ts'

const messageOf = (act: () => unknown): string => {
  try {
    act()
    return 'nothing was thrown'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

export const principalScenarios = (serve: Serve): void => {
  describe('principals', () => {
    test('reach the handler typed: claims as the schema gives them out, permissions as they were declared', async () => {
      const bed = createBed(serve)
      const { accessToken, session } = await bed.signIn({
        permissions: ['orders:*'],
        clientId: 'web',
      })
      const app = await bed.open({
        routes: [
          {
            path: '/me',
            guards: [{}],
            enter: ({ principal }) => {
              const caller = principal()
              expectTypeOf(caller).toEqualTypeOf<Principal<Claims, Permission>>()
              expectTypeOf(caller.claims).toEqualTypeOf<{ role: 'clerk' | 'chief'; since: Date }>()
              expectTypeOf<Parameters<typeof caller.can>>().toEqualTypeOf<[permission: BoundPermission<Permission>]>()
              const { subject, sessionId, clientId, permissions, claims, issuedAt, expiresAt, authTime } = caller
              const can = [caller.can('orders:write'), caller.can('clerk')]
              return {
                subject,
                sessionId,
                clientId,
                permissions,
                issuedAt,
                expiresAt,
                authTime,
                can,
                year: claims.since.getUTCFullYear(),
              }
            },
          },
        ],
      })
      expect(await app.enters({ path: '/me', headers: [bearer(accessToken)] })).toEqual({
        subject: 'ann',
        sessionId: session.id,
        clientId: 'web',
        permissions: ['orders:*'],
        issuedAt: bed.clock.now,
        expiresAt: bed.clock.now + 900,
        authTime: bed.clock.now,
        can: [true, false],
        year: 2020,
      })
    })

    test('are asked for in vain where no guard ran', async () => {
      const bed = createBed(serve)
      const app = await bed.open({
        routes: [
          {
            path: '/open',
            guards: [],
            enter: ({ principal, optionalPrincipal }) => [messageOf(principal), messageOf(optionalPrincipal)],
          },
        ],
      })
      const message = 'No guard ran on this request; put protect() before the handler.'
      expect(await app.enters({ path: '/open', headers: [bearer(await bed.accessToken())] })).toEqual([
        message,
        message,
      ])
    })

    test('are null for the anonymous caller of an optional guard, and nothing that could pass for one', async () => {
      const bed = createBed(serve)
      const app = await bed.open({
        routes: [
          {
            path: '/optional',
            guards: [{ requirement: { optional: true } }],
            enter: ({ principal, optionalPrincipal }) => {
              expectTypeOf(optionalPrincipal()).toEqualTypeOf<Principal<Claims, Permission> | null>()
              return {
                principal: messageOf(principal),
                optional: optionalPrincipal()?.subject ?? null,
              }
            },
          },
        ],
      })
      expect(await app.enters({ path: '/optional' })).toEqual({
        principal: 'The caller is anonymous; use optionalPrincipal() under an optional guard.',
        optional: null,
      })
      expect(await app.enters({ path: '/optional', headers: [bearer(await bed.accessToken())] })).toEqual({
        principal: 'nothing was thrown',
        optional: 'ann',
      })
    })

    test('are null for a bad token where the guard is lenient, and whole for a good one', async () => {
      const bed = createBed(serve)
      const app = await bed.open({
        routes: [{ path: '/', guards: [{ requirement: { optional: 'lenient' } }] }],
      })
      const good = await bed.accessToken()
      const lacking = ['Bearer', 'Bearer a b', 'Bearer a.b.c', `Bearer ${good}x`, 'Basic eHg=']
      for (const value of lacking) {
        expect(await app.enters({ path: '/', headers: [['Authorization', value]] })).toEqual({
          subject: null,
        })
      }
      expect(await app.enters({ path: '/', headers: [bearer(good)] })).toEqual({ subject: 'ann' })
    })

    test('never mix among requests under way at the same time', async () => {
      const bed = createBed(serve)
      const app = await bed.open({ routes: [{ path: '/', guards: [{}] }] })
      const subjects = Array.from({ length: 40 }, (_, index) => `user-${index}`)
      const tokens = await Promise.all(subjects.map((subject) => bed.signIn({ subject })))
      const answers = await Promise.all(
        tokens.map(({ accessToken }) => app.send({ path: '/', headers: [bearer(accessToken)] })),
      )
      expect(answers.map(({ text }) => text)).toEqual(subjects.map((subject) => JSON.stringify({ subject })))
    })
  })
}
