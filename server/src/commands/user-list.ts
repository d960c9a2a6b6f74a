import type { User } from 'jotward'
import { command } from './command.ts'
import { endWithOutput, print } from './output.ts'
import { serverSettings, withStore } from './server-store.ts'
import type { CommandStore } from './server-store.ts'

const PAGE = 200

/** What an operator looks for; `id` is the subject of tokens, for `jotward session revoke`. */
const asLine = ({ id, email, active, permissions, createdAt }: User): string =>
  `${JSON.stringify({ id, email, active, permissions, createdAt: new Date(createdAt * 1000).toISOString() })}\n`

const listAll = async ({ users }: CommandStore): Promise<void> => {
  let after: string | null = null
  do {
    const page: Awaited<ReturnType<typeof users.list>> = await users.list({ after, limit: PAGE })
    await print(page.users.map(asLine).join(''))
    after = page.next
  } while (after !== null)
}

/** `jotward user list`: one JSON object a line, the oldest account first. */
export const userList = command({
  name: 'jotward user list',
  description: 'Lists the users, one JSON object a line',
  args: {},
  run: async () => {
    endWithOutput()
    await withStore(serverSettings(), listAll)
    return 0
  },
})
