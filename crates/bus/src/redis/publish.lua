-- Keeps a message and publishes it with its id, in one order for all who publish to the channel.
--
--   EVAL <this> 1 KEY COMMAND CHANNEL MESSAGE MESSAGES MILLISECONDS
--
--   KEY           switchyard:history:NAME; in a cluster switchyard:history:{switchyard:channel:NAME}
--   COMMAND       PUBLISH; in a cluster SPUBLISH
--   CHANNEL       switchyard:channel:NAME
--   MESSAGE       the bytes, or an envelope: the line `SWITCHYARD/1 {...}` and the bytes
--   MESSAGES      how many are kept
--   MILLISECONDS  and for how long
--
-- Returns the id. Each entry of the stream has the message in `m`, and in `p` the greatest id that an earlier message of
-- the channel can have: what is asked for after that id is all there.
local key, command, channel, message = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local messages, age = ARGV[4], tonumber(ARGV[5])

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local oldest = string.format('%.0f', now - age)

-- A stream that is not there was idle for as long as anything is kept.
local previous = oldest .. '-0'
if redis.call('EXISTS', key) == 1 then
  local facts = redis.call('XINFO', 'STREAM', key)
  for i = 1, #facts, 2 do
    if facts[i] == 'last-generated-id' then previous = facts[i + 1] end
  end
end

local id = redis.call('XADD', key, 'MAXLEN', '~', messages, '*', 'p', previous, 'm', message)
redis.call('XTRIM', key, 'MINID', '~', oldest)
redis.call('PEXPIRE', key, age)

-- The id comes first in the head of the envelope, which is made where there is none.
local mark = 'SWITCHYARD/1 {'
local seq = mark .. '"seq":"' .. id .. '"'
if string.sub(message, 1, #mark) == mark then
  local rest = string.sub(message, #mark + 1)
  local comma = string.find(rest, '^%s*}') and '' or ','
  redis.call(command, channel, seq .. comma .. rest)
else
  redis.call(command, channel, seq .. '}\n' .. message)
end
return id
