/** The bodies of the scripts of `RevocationLog`. The names of their parameters stand in the first lines of each. */

export const READ_EPOCHS = `
local own, all = epochs_of(ARGV[1])
return {text(own), text(all)}
`

/**
 * Whether a token is dead; and, where it lives, which of its epochs the bucket has lost (\`lostEpochs\`). Writes nothing:
 * what was lost is taken back by \`RAISE_LOST\`.
 */
export const STANDING = `
local token, session, subject, stamp_own, stamp_all = unpack(ARGV)
local own, all = epochs_of(subject)
stamp_own, stamp_all = tonumber(stamp_own), tonumber(stamp_all)
if stamp_own < own or stamp_all < all then return {'1'} end
if is_revoked(redis.call('GET', base .. 'r:t:' .. token)) then return {'1'} end
if session ~= '' and is_revoked(redis.call('GET', base .. 'r:s:' .. string.sub(session, 2))) then return {'1'} end
local is_own_lost = stamp_own > own and stamp_own + epoch_life > now
return {'0', is_own_lost and '1' or '0', stamp_all > all and '1' or '0'}
`

export const SET_TOKEN = `
local token, revoked, retention = unpack(ARGV)
set_revoked('t', token, revoked, tonumber(retention))
return 'OK'
`

export const BUMP = `
local subject = ARGV[1]
local epoch = math.max(kept_epoch(subject) + 1, now)
raise_subject(subject, epoch)
return text(epoch)
`

/** Gives out everybody's next epoch: one bucket does that for all, above \`floor\`, the highest that any of them has. */
export const BUMP_ALL = `
local floor = tonumber(ARGV[1])
local epoch = math.max(global_epoch() + 1, floor + 1, now)
raise_global(epoch)
return text(epoch)
`

/** Raises epochs to what they must be at least. \`subject\` is '' where it is only about everybody's. */
export const RAISE_LOST = `
local subject, own, all = unpack(ARGV)
if subject ~= '' then
  local name = string.sub(subject, 2)
  if tonumber(own) > kept_epoch(name) then raise_subject(name, tonumber(own)) end
end
if tonumber(all) > global_epoch() then raise_global(tonumber(all)) end
confirm()
return 'OK'
`

const INCARNATION = `
local function incarnation()
  -- It changes where the server starts anew and where a replica takes over.
  local info = redis.pcall('INFO', 'replication')
  return type(info) == 'string' and string.match(info, 'master_replid:(%x+)') or ''
end
`

/** Proves that the node is the primary still: what comes behind is WAIT. */
export const HEARTBEAT = `${INCARNATION}
confirm()
return incarnation()
`

/**
 * A stretch of a bucket's log: \`after\` is the number of the last entry that the reader has, '' at the beginning, and
 * \`scan\` where it stands in the list of what has left the stream, '' once it has read that.
 */
export const READ = `${INCARNATION}
local limit, after, scan = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local last = tonumber(redis.call('HGET', meta, 'seq') or '0')

local function previous_of(entry)
  return tonumber(entry[2][10])
end

-- The reader is ahead of the log, or behind what the stream still has, or follows another one: from the beginning.
if after ~= '' then
  local following = redis.call('XRANGE', log, '(' .. after .. '-0', '+', 'COUNT', 1)[1]
  local previous = last
  if following then previous = previous_of(following) end
  if previous ~= tonumber(after) then after, scan = '', '' end
end
if after == '' then
  local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  after = last
  if oldest then after = previous_of(oldest) end
  if after > 0 then scan = '0' end
end
after = tonumber(after)

local entries = {}
local function tell(version, kind, id, value, expires)
  local at = #entries
  entries[at + 1], entries[at + 2], entries[at + 3] = version, kind, id
  entries[at + 4], entries[at + 5] = value, expires
end

if scan ~= '' then
  local page = redis.call('ZSCAN', long, scan, 'COUNT', limit)
  for index = 1, #page[2], 2 do
    local member = page[2][index]
    local known = redis.call('GET', base .. 'r:' .. member)
    local version, value, expires = string.match(known or '', '^(%d+) (%d+) ?(%d*)$')
    -- What is newer stands in the stream.
    if version and tonumber(version) <= after then
      tell(version, string.sub(member, 1, 1), string.sub(member, 3), value, page[2][index + 1])
    end
  end
  scan = page[1] == '0' and '' or page[1]
  return {text(now), text(global_epoch()), incarnation(), text(after), scan, '0', entries}
end

for _, entry in ipairs(redis.call('XRANGE', log, '(' .. text(after) .. '-0', '+', 'COUNT', limit)) do
  local version, fields = string.match(entry[1], '^%d+'), entry[2]
  tell(version, fields[2], fields[4], fields[6], fields[8])
  after = tonumber(version)
end
return {text(now), text(global_epoch()), incarnation(), text(after), '', after == last and '1' or '0', entries}
`
