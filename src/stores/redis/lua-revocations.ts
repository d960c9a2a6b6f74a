/** The bodies of the scripts of `RevocationLog`. The names of their parameters stand in the first lines of each. */

export const READ_EPOCHS = `
local own, all = epochs_of(ARGV[1])
return {text(own), text(all)}
`

/**
 * Whether a token is dead; and, where it lives, which of its epochs the bucket has lost (\`lostEpochs\`): that is taken back
 * by \`RAISE_LOST\`. With \`confirmed\` that a token lives is confirmed, for a primary that was cut off knows nothing of
 * what another has revoked since.
 */
export const STANDING = `
local token, session, subject, stamp_own, stamp_all, confirmed = unpack(ARGV)
local own, all = epochs_of(subject)
stamp_own, stamp_all = tonumber(stamp_own), tonumber(stamp_all)
if stamp_own < own or stamp_all < all then return {'1'} end
if is_revoked(redis.call('GET', base .. 'r:t:' .. token)) then return {'1'} end
if session ~= '' and is_revoked(redis.call('GET', base .. 'r:s:' .. string.sub(session, 2))) then return {'1'} end
if confirmed == '1' then confirm() end
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

const INCARNATION = `
local function incarnation()
  -- It changes where the server starts anew and where a replica takes over.
  local info = redis.pcall('INFO', 'replication')
  return type(info) == 'string' and string.match(info, 'master_replid:(%x+)') or ''
end
`

/** Gives out everybody's next epoch: one bucket does that for all, above \`floor\`, the highest that any of them has. */
export const BUMP_ALL = `${INCARNATION}
local floor = tonumber(ARGV[1])
local epoch = math.max(global_epoch() + 1, floor + 1, now)
raise_global(epoch)
return {text(epoch), incarnation()}
`

/** Raises epochs to what they must be at least. \`subject\` is '' where it is only about everybody's. */
export const RAISE_LOST = `${INCARNATION}
local subject, own, all = unpack(ARGV)
if subject ~= '' then
  local name = string.sub(subject, 2)
  if tonumber(own) > kept_epoch(name) then raise_subject(name, tonumber(own)) end
end
if tonumber(all) > global_epoch() then raise_global(tonumber(all)) end
confirm()
return incarnation()
`

/** Proves that the node is the primary still: what comes behind is WAIT. */
export const HEARTBEAT = `${INCARNATION}
confirm()
return incarnation()
`

/**
 * A stretch of a bucket's log: \`after\` is the number of the last entry that the reader has, '' at the beginning, and
 * \`scan\` where it stands in the list of what has left the stream, '' once it has read that.
 *
 * While it reads the list \`after\` is the last entry that there was when it began: whatever has left the stream by the
 * end of the list is either older, and then it has lapsed or was listed all the while (ZSCAN returns every such member), or
 * the stream was cut past that beginning meanwhile, and the list is read once more.
 */
export const READ = `${INCARNATION}
local limit, after, scan = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local last = tonumber(redis.call('HGET', meta, 'seq') or '0')

local function previous_of(entry)
  return tonumber(entry[2][10])
end

-- The number of the last entry that has left the stream.
local function cut()
  local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  return oldest and previous_of(oldest) or last
end

-- The reader is ahead of the log, or behind what the stream still has, or follows another one: from the beginning.
if scan ~= '' then
  if tonumber(after) > last then after = '' end
elseif after ~= '' then
  local following = redis.call('XRANGE', log, '(' .. after .. '-0', '+', 'COUNT', 1)[1]
  local previous = last
  if following then previous = previous_of(following) end
  if previous ~= tonumber(after) then after = '' end
end
if after == '' then
  after, scan = 0, ''
  if cut() > 0 then after, scan = last, '0' end
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
    local version, value = string.match(known or '', '^(%d+) (%d+) ?%d*$')
    -- What stands in the stream too is told twice, which changes nothing.
    if version then tell(version, string.sub(member, 1, 1), string.sub(member, 3), value, page[2][index + 1]) end
  end
  scan = page[1]
  if scan == '0' then
    local left = cut()
    if left > after then
      after = last
    else
      after, scan = left, ''
    end
  end
end

-- Together with the end of the list: before the next reading the stream may be cut again.
if scan == '' then
  for _, entry in ipairs(redis.call('XRANGE', log, '(' .. text(after) .. '-0', '+', 'COUNT', limit)) do
    local version, fields = string.match(entry[1], '^%d+'), entry[2]
    tell(version, fields[2], fields[4], fields[6], fields[8])
    after = tonumber(version)
  end
end
local is_end = scan == '' and after == last
return {text(now), text(global_epoch()), incarnation(), text(after), scan, is_end and '1' or '0', entries}
`
