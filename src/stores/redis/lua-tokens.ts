import { TTL_EXTRA } from './lua-shared.ts'

/** The bodies of the scripts of `TokenRegister` and `SingleUse`. */

/** Records that have lapsed are removed by the writing of others, so many for each. */
const PRUNED_FOR_EACH = 4

/**
 * A record is a text: until when it counts, its position, JSON. Three sorted sets lead to it: \`ts:\` of its subject and
 * \`ta\` of all by position, \`te\` by the end of its time. Positions rise in a bucket and are never behind the clock, so that
 * those of several buckets can be put in one order.
 */
const RECORDS = `
local function record_of(id)
  local known = redis.call('GET', base .. 't:' .. id)
  if not known then return nil end
  local ends, position, json = string.match(known, '^(%d+) (%d+) (.*)$')
  return tonumber(ends), position, json
end
`

export const RECORD = `${RECORDS}
local subject = ARGV[1]
local of_subject, of_all, ending = base .. 'ts:' .. subject, base .. 'ta', base .. 'te'

local function outlive(key, ends)
  local left = ends - now + ${TTL_EXTRA}
  if redis.call('PTTL', key) < left then redis.call('PEXPIRE', key, text(left)) end
end

local function add(id, ends, json)
  local position = math.max(tonumber(redis.call('HGET', meta, 'pos') or '0') + 1, micros)
  redis.call('HSET', meta, 'pos', text(position))
  redis.call('SET', base .. 't:' .. id, text(ends) .. ' ' .. text(position) .. ' ' .. json,
    'PX', text(ends - now + ${TTL_EXTRA}))
  redis.call('ZADD', of_subject, text(position), id)
  redis.call('ZADD', of_all, text(position), id)
  redis.call('ZADD', ending, text(ends), string.len(id) .. ' ' .. id .. subject)
  outlive(of_subject, ends)
  outlive(of_all, ends)
  outlive(ending, ends)
end

local lapsed = redis.call('ZRANGEBYSCORE', ending, '-inf', text(now), 'LIMIT', 0, ${PRUNED_FOR_EACH} * #ARGV)
for _, member in ipairs(lapsed) do
  local length, at = string.match(member, '^(%d+) ()')
  local id, owner = string.sub(member, at, at + length - 1), string.sub(member, at + length)
  redis.call('ZREM', ending, member)
  local ends = record_of(id)
  if not ends or ends <= now then
    redis.call('ZREM', of_all, id)
    redis.call('ZREM', base .. 'ts:' .. owner, id)
    redis.call('DEL', base .. 't:' .. id)
  end
end

for index = 2, #ARGV, 3 do
  local id, ends, json = ARGV[index], tonumber(ARGV[index + 1]), ARGV[index + 2]
  local known = record_of(id)
  -- One that counts as none is written over, and so takes its new place; one that would never count is left out.
  if ends > now and not (known and known > now) then add(id, ends, json) end
end
return 'OK'
`

export const FIND_TOKEN = `${RECORDS}
local ends, _, json = record_of(ARGV[1])
return ends and ends > now and json or ''
`

/**
 * Records of a subject, or of all where \`subject\` is '', below a position: so many as are wanted, or as are found among
 * so many looked at. Answers with whether the end was reached, where it stands, and the records.
 */
export const LIST_TOKENS = `${RECORDS}
local subject, below, wanted, looks = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local key = base .. 'ta'
if subject ~= '' then key = base .. 'ts:' .. string.sub(subject, 2) end

local members = redis.call('ZREVRANGEBYSCORE', key, below, '-inf', 'WITHSCORES', 'LIMIT', 0, looks)
local records, reached = {}, ''
local is_end = #members < 2 * looks
for index = 1, #members, 2 do
  if #records >= 3 * wanted then
    is_end = false
    break
  end
  local id = members[index]
  reached = text(tonumber(members[index + 1]))
  local ends, position, json = record_of(id)
  -- Of another position: the entry is one of an earlier record, which lapsed.
  if ends and ends > now and position == reached then
    records[#records + 1] = id
    records[#records + 1] = position
    records[#records + 1] = json
  end
end
return {is_end and '1' or '0', reached, records}
`

export const SPEND = `
local key, retention = base .. 'x:' .. ARGV[1], tonumber(ARGV[2])
local known = redis.call('GET', key)
if known and tonumber(known) > now then return '0' end
redis.call('SET', key, text(now + retention), 'PX', text(retention + ${TTL_EXTRA}))
return '1'
`
