import { z } from 'zod'
import { defineRoute } from './route.ts'

export const ticketResponse = z.object({
  ticket: z.string().describe('Opens one connection'),
  expires_in: z.int().describe('Seconds'),
})

export const ticket = defineRoute({
  method: 'POST',
  path: '/ticket',
  operation: 'ticket',
  summary: 'Gives out a one-time ticket that stands for the access token, for a WebSocket above all',
  requires: {},
  answer: { status: 200, schema: ticketResponse },
  refusals: [],
  handle: async ({ context: { auth }, caller, view }) => {
    // The token itself rather than its principal: a schema may have made of its claims what JSON cannot hold.
    const found = await auth.find(view)
    const issued = await auth.tickets.issue(found?.token ?? caller)
    return { status: 200, body: { ticket: issued.ticket, expires_in: issued.expiresIn } }
  },
})
