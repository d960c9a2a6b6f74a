import { UsageError } from '../usage-error.ts'
import { command } from './command.ts'
import type { ExitCode } from './command.ts'
import { print } from './output.ts'
import { serverSettings, withMovedStore, withStore } from './server-store.ts'
import type { CommandStore } from './server-store.ts'

/** As long as any access token can live, whatever the server was set to: a day, the widest tolerance, a second. */
const RETENTION_SECONDS = 86_400 + 300 + 1

const refuse = (sentence: string): ExitCode => {
  process.stderr.write(`jotward: ${sentence}\n`)
  return 1
}

interface Target {
  readonly id?: string | undefined
  readonly subject?: string | undefined
  readonly everything?: boolean | undefined
  readonly moved?: boolean | undefined
}

const readTarget = ({ id, subject, everything = false, moved = false }: Target): Target => {
  if (moved && !everything) throw new UsageError('--moved is for --everything')
  if (everything ? id !== undefined || subject !== undefined : subject === undefined) {
    throw new UsageError('give --subject S, --id SID with --subject S, or --everything')
  }
  // An empty one, from a variable that is not set, must not look like a success.
  if (id === '' || subject === '') throw new UsageError(`${id === '' ? '--id' : '--subject'} is empty`)
  return { id, subject, everything, moved }
}

const revokeSession = async ({ sessions }: CommandStore, id: string, subject: string): Promise<ExitCode> => {
  const ending = await sessions.end({ id, subject, reason: 'revoked' }, { retention: RETENTION_SECONDS })
  if (ending === 'foreign') return refuse(`the session ${id} is not of the subject ${subject}`)
  await print(ending === 'ended' ? 'The session has ended.\n' : 'The session had ended before.\n')
  return 0
}

const revokeSubject = async ({ users, revocations }: CommandStore, subject: string): Promise<ExitCode> => {
  if ((await users.findById(subject)) === null) {
    return refuse(`there is no user with the id ${subject}; \`jotward user list\` shows them`)
  }
  await revocations.bump(subject)
  await print('Every session and access token of the subject has ended.\n')
  return 0
}

const revokeEverything = async ({ revocations, records, moveSessions }: CommandStore): Promise<ExitCode> => {
  await revocations.bump(null)
  // Nothing is left that another secret could end, or another place.
  await records.forgetSecret()
  await moveSessions()
  await print('Every session and access token has ended.\n')
  return 0
}

/** `jotward session revoke`: ends sessions where the server keeps them; one that runs refuses their tokens at once. */
export const sessionRevoke = command({
  name: 'jotward session revoke',
  description: 'Ends a session, those of one subject, or all',
  args: {
    id: { type: 'string', valueHint: 'SID', description: 'One session (`sid` of its tokens), with --subject' },
    subject: { type: 'string', valueHint: 'S', description: 'Whose (`sub`, `id` of a user)' },
    everything: { type: 'boolean', description: "Everybody's: after a backup was restored, or before another secret" },
    moved: {
      type: 'boolean',
      description: 'With --everything: REDIS_URL was set or unset for good, and sessions begin where the settings say',
    },
  },
  run: async (args) => {
    const { id, subject, moved } = readTarget(args)
    const open = moved === true ? withMovedStore : withStore
    return open(serverSettings(), async (store) => {
      if (subject === undefined) return revokeEverything(store)
      return id === undefined ? revokeSubject(store, subject) : revokeSession(store, id, subject)
    })
  },
})
