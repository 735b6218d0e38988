-- Carries out a list of changes, or none of them.
--
-- ARGV: the format of the changes; the writer's count of its writes; then for each change its verb and the verb's arguments.
-- KEYS: the key of the format; that of the writer's count; then one for each change.
-- Numbers that are compared have leading zeros: Lua's own are exact to 2^53 only.
--
-- Gives {'done'}; {'begun'} where nothing was there before; {'format', found}; {'late'} when a later write of the same writer
-- came first; {'stale', key, ...} with the fences that a newer owner has raised.
--
-- A script is not undone half-way. So everything that could stop it is looked at before the first write; what the server
-- itself may refuse (no memory, no disk, a replica) it refuses at the first write.

local verbs = { set = 2, del = 0, add = 3, rem = 1, fence = 2, check = 1, fade = 1 }

local found = redis.call('GET', KEYS[1])
if found and found ~= ARGV[1] then
  return { 'format', found }
end
local count = redis.call('GET', KEYS[2])
if count and count >= ARGV[2] then
  return { 'late' }
end

local stale = { 'stale' }
local known = {}
local at = 3
for n = 3, #KEYS do
  local key, verb = KEYS[n], ARGV[at]
  if verb == 'fence' or verb == 'check' then
    local raised = redis.call('GET', key)
    if raised and raised > ARGV[at + 1] then
      stale[#stale + 1] = key
    end
  elseif (verb == 'add' or verb == 'rem') and not known[key] then
    local kind = redis.call('TYPE', key).ok
    if kind ~= 'zset' and kind ~= 'none' then
      return redis.error_reply('WRONGTYPE a list is none')
    end
    known[key] = true
  end
  at = at + 1 + verbs[verb]
end
if #stale > 1 then
  return stale
end

local day = 86400000
redis.call('SET', KEYS[2], ARGV[2], 'PX', day)
if not found then
  redis.call('SET', KEYS[1], ARGV[1])
end
at = 3
for n = 3, #KEYS do
  local key, verb = KEYS[n], ARGV[at]
  if verb == 'set' or verb == 'fence' then
    local value, lasts = ARGV[at + 1], ARGV[at + 2]
    if lasts == '0' then
      redis.call('SET', key, value)
    else
      redis.call('SET', key, value, 'PX', lasts)
    end
  elseif verb == 'del' then
    redis.call('DEL', key)
  elseif verb == 'add' then
    local name, score, lasts = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
    redis.call('ZADD', key, score, name)
    if lasts ~= '0' and redis.call('PTTL', key) < tonumber(lasts) then
      redis.call('PEXPIRE', key, lasts)
    end
  elseif verb == 'rem' then
    redis.call('ZREM', key, ARGV[at + 1])
  elseif verb == 'fade' then
    redis.call('PEXPIRE', key, ARGV[at + 1])
  end
  at = at + 1 + verbs[verb]
end
return { found and 'done' or 'begun' }
