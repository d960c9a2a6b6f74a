import { EPOCH_RETENTION } from '../../core/session/lifecycle.ts'

/**
 * Parts that the scripts are put together from.
 *
 * Numbers are kept as decimal text and written by `text`: Lua's own conversion cuts off after 14 digits. JSON is never
 * parsed, for it would come back changed: large numbers rounded, empty lists as objects.
 */

/** How much longer than asked keys are kept. */
const TTL_EXTRA_MS = 5_000

/**
 * For how long a bucket's stream keeps entries. One that lives longer is listed in `long`, from where followers that
 * begin anew are told of it. Longer than most retentions, so that hardly any is listed twice.
 */
const LOG_MS = 2 * 3_600_000

/** The server's clock, in milliseconds and microseconds. Effects are replicated (Redis 7), so it may be read anywhere. */
export const SERVER_CLOCK = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local micros = time[1] * 1000000 + time[2]
`

/**
 * The first line of every script. Not declared \`no-writes\`, so that a replica refuses it: no answer ever comes from a
 * copy that lags. Redis judges memory and replicas before the first line runs, so no script stops half-way.
 */
export const HEADER = '#!lua'

/** The same for scripts on which guards rest, and which must go on where memory is full: they write nothing, or hardly. */
export const READING_HEADER = '#!lua flags=allow-oom'

export const BASE = `
local meta = KEYS[1]
local base = string.sub(meta, 1, -5)

local function text(number)
  return string.format('%.0f', number)
end
`

/** Something is written in any case, so that WAIT on this connection covers all that the server has written before. */
export const CONFIRM = `
local function confirm()
  redis.call('SET', base .. 'mark', text(now), 'PX', '60000')
end
`

export const EPOCHS = `
local epoch_life = ${EPOCH_RETENTION * 1000}

local function kept_epoch(subject)
  local known = redis.call('GET', base .. 'r:u:' .. subject)
  return known and tonumber(string.match(known, ' (%d+)$')) or 0
end

local function global_epoch()
  return tonumber(redis.call('HGET', meta, 'all') or '0')
end

local function epochs_of(subject)
  local own = kept_epoch(subject)
  if own + epoch_life <= now then own = 0 end
  return own, global_epoch()
end
`

/**
 * The log. An entry's number is its version and its name in the stream: above all before it, and never behind the clock, so
 * that entries go by age. Each names the one before it (\`p\`), by which a reader sees that nothing is missing between.
 */
export const LOG = `
local log, long = base .. 'log', base .. 'long'
local log_life = ${LOG_MS}

local function append(kind, id, value, expires)
  local last = tonumber(redis.call('HGET', meta, 'seq') or '0')
  local version = math.max(last + 1, now)
  redis.call('HSET', meta, 'seq', text(version))
  redis.call('XADD', log, 'MINID', '~', text(now - log_life), text(version) .. '-0',
    'k', kind, 'i', id, 'v', value, 'e', text(expires), 'p', text(last))
  if expires > now + log_life then redis.call('ZADD', long, text(expires), kind .. ':' .. id) end
  redis.call('ZREMRANGEBYSCORE', long, '-inf', text(now))
  return text(version)
end

local function keep(kind, id, value, expires)
  redis.call('SET', base .. 'r:' .. kind .. ':' .. id, value, 'PX', text(expires - now + ${TTL_EXTRA_MS}))
end

-- Of a token (t) or a session (s). Kept as long as what it takes back, or that would be in force again.
local function set_revoked(kind, id, revoked, retention)
  local expires = now + retention
  local known = redis.call('GET', base .. 'r:' .. kind .. ':' .. id)
  if known then expires = math.max(expires, tonumber(string.match(known, '(%d+)$'))) end
  local version = append(kind, id, revoked, expires)
  keep(kind, id, version .. ' ' .. revoked .. ' ' .. text(expires), expires)
end

local function is_revoked(known)
  return known and string.match(known, '^%d+ (%d)') == '1'
end
`

export const RAISE = `
local function raise_subject(subject, epoch)
  local expires = epoch + epoch_life
  local version = append('u', subject, text(epoch), expires)
  keep('u', subject, version .. ' ' .. text(epoch), expires)
end

local function raise_global(epoch)
  redis.call('HSET', meta, 'all', text(epoch))
end
`

export const SESSION_FIELDS = [
  'sub',
  'cat',
  'abs',
  'ss',
  'sg',
  'key',
  'idl',
  'fix',
  'gen',
  'rk',
  'rot',
  'gf',
  'ie',
  'lr',
  'sus',
  'end',
  'why',
] as const

/**
 * Sessions: a hash each, and an index of those of a subject that have not ended, by their last refresh. '' stands for what
 * is not there; \`fix\` is JSON that is only handed through.
 */
export const SESSIONS = `
local function row_of(id)
  return base .. 's:' .. id
end

local function index_of(subject)
  return base .. 'i:' .. subject
end

local function fields_of(id)
  return redis.call('HMGET', row_of(id), ${SESSION_FIELDS.map((field) => `'${field}'`).join(', ')})
end

local function put_in_index(subject, id, absolute)
  local index = index_of(subject)
  local left = absolute - now + ${TTL_EXTRA_MS}
  redis.call('ZADD', index, text(now), id)
  if redis.call('PTTL', index) < left then redis.call('PEXPIRE', index, text(left)) end
end

local function end_session(id, subject, reason, retention)
  redis.call('HSET', row_of(id), 'end', text(now), 'why', reason)
  redis.call('ZREM', index_of(subject), id)
  set_revoked('s', id, '1', retention)
end
`

/** How long a key is kept that may go at a moment of the store's clock. */
export const TTL_EXTRA = TTL_EXTRA_MS
