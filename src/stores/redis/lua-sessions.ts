import { TTL_EXTRA } from './lua-shared.ts'

/** The bodies of the scripts of `SessionStore`. The names of their parameters stand in the first lines of each. */

export const CREATE = `
local id, subject, stamp_own, stamp_all, lifetime, idle, key, fix, refresh_key, cap, retention = unpack(ARGV)
if redis.call('EXISTS', row_of(id)) == 1 then
  confirm()
  return {'exists'}
end
local own, all = epochs_of(subject)
if text(own) ~= stamp_own or text(all) ~= stamp_all then return {'outdated'} end

local answer, kept = {'created', text(now)}, 1
for _, other in ipairs(redis.call('ZREVRANGE', index_of(subject), 0, -1)) do
  local s = redis.call('HMGET', row_of(other), 'abs', 'ss', 'sg', 'ie', 'sus')
  if not s[1] or tonumber(s[2]) < own or tonumber(s[3]) < all then
    redis.call('ZREM', index_of(subject), other)
  elseif s[5] == '' and now < tonumber(s[4]) and now < s[1] * 1000 then
    if kept < tonumber(cap) then
      kept = kept + 1
    else
      end_session(other, subject, 'evicted', tonumber(retention))
      answer[#answer + 1] = other
    end
  end
end

local created = math.floor(now / 1000)
local absolute = (created + lifetime) * 1000
redis.call('HSET', row_of(id),
  'sub', subject, 'cat', text(created), 'abs', text(absolute / 1000), 'ss', stamp_own, 'sg', stamp_all,
  'key', key, 'idl', idle, 'fix', fix,
  'gen', '0', 'rk', refresh_key, 'rot', text(now), 'gf', '', 'ie', text(math.min(now + idle * 1000, absolute)),
  'lr', '0', 'sus', '', 'end', '', 'why', '')
redis.call('PEXPIRE', row_of(id), text(absolute - now + ${TTL_EXTRA}))
put_in_index(subject, id, absolute)
return answer
`

/** \`decideRotation\`, rule by rule; the numbers are those of ARCHITECTURE.md, "Rotation". */
export const ROTATE = `
local id, subject, generation, created, key_id, next_key_id, key, grace, budget, retention = unpack(ARGV)
local s = fields_of(id)
if not s[1] then return {'unknown'} end
local p, g, absolute = tonumber(generation), tonumber(s[9]), s[3] * 1000

-- 1
if s[1] ~= subject or s[2] ~= created or now >= absolute then return {'unknown'} end
if now >= tonumber(s[13]) and p <= g then return {'unknown'} end
-- 2
if s[16] ~= '' then return {'revoked', 'ended'} end
local own, all = epochs_of(subject)
if s[15] ~= '' or tonumber(s[4]) < own or tonumber(s[5]) < all then return {'revoked'} end
-- 3
if s[6] ~= '' and s[6] ~= key then return {'key_mismatch'} end

local function answer(outcome)
  return {outcome, text(now), unpack(s)}
end

local function begin(new_generation, new_key_id)
  s[9], s[10], s[11], s[12] = text(new_generation), new_key_id, text(now), text(now)
  s[13] = text(math.min(now + s[7] * 1000, absolute))
  redis.call('HSET', row_of(id), 'gen', s[9], 'rk', s[10], 'rot', s[11], 'gf', s[12], 'ie', s[13])
  put_in_index(subject, id, absolute)
end

-- 4
if p > g then
  begin(p, key_id)
  return answer('recovered')
end
grace = tonumber(grace)
local in_grace = grace > 0 and s[12] ~= '' and math.abs(now - s[12]) <= grace
if p == g then
  -- 6
  if in_grace then return answer('replayed') end
  -- 5
  begin(g + 1, next_key_id)
  return answer('rotated')
end
-- 7
if p == g - 1 and in_grace then return answer('replayed') end
-- 8
if tonumber(s[14]) < tonumber(budget) and (p == g - 1 or (p == g - 2 and in_grace)) then
  s[14] = text(s[14] + 1)
  if p == g - 1 then s[12] = text(now) end
  redis.call('HSET', row_of(id), 'lr', s[14], 'gf', s[12])
  return answer('replayed_late')
end
-- 9
end_session(id, subject, 'reused', tonumber(retention))
s[16], s[17] = text(now), 'reused'
return answer('reused')
`

export const FIND = `
local id = ARGV[1]
local s = fields_of(id)
if not s[1] then return {} end
local own, all = epochs_of(s[1])
return {text(now), text(own), text(all), s}
`

export const LIST = `
local subject = ARGV[1]
local own, all = epochs_of(subject)
local answer = {text(now), text(own), text(all)}
for _, id in ipairs(redis.call('ZRANGE', index_of(subject), 0, -1)) do
  local s = fields_of(id)
  if s[1] then
    answer[#answer + 1] = id
    answer[#answer + 1] = s
  end
end
return answer
`

/** Ends, suspends or resumes a session that has not ended, and tells the log. */
export const SETTLE = `
local id, subject, change, reason, retention = unpack(ARGV)
local s = redis.call('HMGET', row_of(id), 'sub', 'end', 'sus')
if s[1] and s[1] ~= subject then return 'foreign' end
-- A row that was lost still has access tokens at large, so the log is told all the same; but not that they are good again,
-- for the lost row may have ended.
local is_settled
if s[1] then
  is_settled = s[2] ~= ''
else
  is_settled = change == 'resume' or is_revoked(redis.call('GET', base .. 'r:s:' .. id))
end
if is_settled then
  confirm()
  return 'already'
end
if change == 'end' and s[1] then
  end_session(id, subject, reason, tonumber(retention))
else
  if s[1] and change == 'suspend' and s[3] == '' then redis.call('HSET', row_of(id), 'sus', text(now)) end
  if s[1] and change == 'resume' then redis.call('HSET', row_of(id), 'sus', '') end
  set_revoked('s', id, change == 'resume' and '0' or '1', tonumber(retention))
end
return 'ended'
`
