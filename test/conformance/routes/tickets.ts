import { describe, expect, test } from 'vitest'
import { bearer, createBed, post } from './bed.ts'
import type { Ground } from './bed.ts'

export const ticketScenarios = (ground: Ground): void => {
  describe('tickets', () => {
    test('stand for the access token of the caller, once and for 30 seconds', async () => {
      const bed = await createBed(ground)
      const { user, pair } = await bed.newcomer(['orders:read'])
      const { ticket, expires_in } = await bed.succeeds<{ ticket: string; expires_in: number }>(
        post('/auth/ticket', undefined, bearer(pair.access_token)),
      )
      expect(expires_in).toBe(30)
      const caller = await bed.auth.tickets.redeem(ticket)
      expect([caller.subject, caller.permissions]).toEqual([user.id, ['orders:read']])
      await expect(bed.auth.tickets.redeem(ticket)).rejects.toThrow('The token is not valid.')
    })

    test('open nothing that takes tokens', async () => {
      const bed = await createBed(ground)
      const { pair } = await bed.newcomer()
      const { ticket } = await bed.succeeds<{ ticket: string }>({
        method: 'POST',
        path: '/auth/ticket',
        headers: bearer(pair.access_token),
      })
      await bed.refuses({ path: '/auth/me', headers: bearer(ticket) }, 'token_invalid')
      await bed.refuses(post('/auth/ticket', undefined, bearer(ticket)), 'token_invalid')
    })
  })
}
