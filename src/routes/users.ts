import { presentUser } from './present.ts'
import { defineRoute } from './route.ts'
import { usersOf } from './route-context.ts'
import { pageQuery, usersResponse } from './schemas.ts'

export const users = defineRoute({
  method: 'GET',
  path: '/users',
  operation: 'listUsers',
  summary: 'Lists users, a page at a time',
  requires: { permissions: ['users:read'] },
  query: pageQuery,
  answer: { status: 200, schema: usersResponse },
  refusals: [],
  needsUsers: true,
  handle: async ({ context, query: { limit, after } }) => {
    const page = await usersOf(context).list({ after: after ?? null, limit })
    return { status: 200, body: { users: page.users.map(presentUser), next: page.next } }
  },
})
