import { createHash } from 'node:crypto'
import * as log from './lua-revocations.ts'
import * as sessions from './lua-sessions.ts'
import { BASE, CONFIRM, EPOCHS, HEADER, LOG, RAISE, READING_HEADER, SERVER_CLOCK, SESSIONS } from './lua-shared.ts'
import * as tokens from './lua-tokens.ts'

/** One script: its text, and the name under which Redis remembers it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

/**
 * Notes in a bucket how many there are, and answers with what was noted first. All processes must agree, or each would look
 * for a subject in another place.
 */
const PREPARE = `
redis.call('HSETNX', meta, 'layout', ARGV[1])
redis.call('HSETNX', meta, 'buckets', ARGV[2])
return redis.call('HMGET', meta, 'layout', 'buckets')
`

/** Tells of the server: its settings, its role, its replicas. Without a header, which Redis 6 does not understand. */
const INSPECT = `
local info = redis.pcall('INFO')
if type(info) == 'string' then return {'told', info} end
return {'denied', info.err}
`

const REVOKING = [CONFIRM, EPOCHS, LOG]

/** Every script by name: its header, the parts that it stands on, and its body. */
const PARTS = {
  create: [HEADER, ...REVOKING, SESSIONS, sessions.CREATE],
  rotate: [HEADER, EPOCHS, LOG, SESSIONS, sessions.ROTATE],
  find: [READING_HEADER, EPOCHS, SESSIONS, sessions.FIND],
  list: [READING_HEADER, EPOCHS, SESSIONS, sessions.LIST],
  settle: [HEADER, CONFIRM, LOG, SESSIONS, sessions.SETTLE],
  epochs: [READING_HEADER, EPOCHS, log.READ_EPOCHS],
  standing: [READING_HEADER, ...REVOKING, log.STANDING],
  setToken: [HEADER, LOG, log.SET_TOKEN],
  bump: [HEADER, EPOCHS, LOG, RAISE, log.BUMP],
  bumpAll: [HEADER, EPOCHS, LOG, RAISE, log.BUMP_ALL],
  raiseLost: [READING_HEADER, ...REVOKING, RAISE, log.RAISE_LOST],
  heartbeat: [READING_HEADER, CONFIRM, log.HEARTBEAT],
  read: [READING_HEADER, EPOCHS, LOG, log.READ],
  record: [HEADER, tokens.RECORD],
  findToken: [READING_HEADER, tokens.FIND_TOKEN],
  listTokens: [READING_HEADER, tokens.LIST_TOKENS],
  spend: [HEADER, tokens.SPEND],
  prepare: [READING_HEADER, PREPARE],
  inspect: ['', INSPECT],
} as const

export type ScriptName = keyof typeof PARTS

export type Scripts = Readonly<Record<ScriptName, Script>>

/** Scripts on a clock, which is Lua that sets `now` and `micros`; tests have one that they turn. */
export const createScripts = (clock = SERVER_CLOCK): Scripts => {
  const entries = Object.entries(PARTS).map(([name, [header, ...parts]]) => {
    const text = [header, BASE, clock, ...parts].join('\n')
    return [name, { text, sha: createHash('sha1').update(text).digest('hex') }] as const
  })
  // `fromEntries` forgets the names, which are those of PARTS.
  return Object.fromEntries(entries) as Scripts
}
