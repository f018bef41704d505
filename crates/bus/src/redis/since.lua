-- What a channel keeps, and what is needed to know whether that is all.
--
--   EVAL <this> 1 KEY AFTER COUNT MESSAGES MILLISECONDS
--
-- Returns: the time in milliseconds; the oldest time of which something is kept; the id of the last message, or false; the
-- `p` of the oldest message, or false; 1 if the message AFTER is there; the oldest COUNT after it.
local key, after, count, messages, age = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local oldest = now - age

local last, previous, has_after, found = false, false, 0, {}
if redis.call('EXISTS', key) == 1 then
  redis.call('XTRIM', key, 'MAXLEN', '=', messages)
  redis.call('XTRIM', key, 'MINID', '=', string.format('%.0f', oldest))
  local facts = redis.call('XINFO', 'STREAM', key)
  for i = 1, #facts, 2 do
    if facts[i] == 'last-generated-id' then last = facts[i + 1] end
  end
  local first = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
  if first then
    -- One that was added without the script: nothing before it is known.
    previous = first[1]
    for i = 1, #first[2], 2 do
      if first[2][i] == 'p' then previous = first[2][i + 1] end
    end
  end
  if after ~= '' then
    has_after = #redis.call('XRANGE', key, after, after, 'COUNT', 1)
    if count > 0 then
      found = redis.call('XRANGE', key, '(' .. after, '+', 'COUNT', count)
    end
  end
end
return { now, oldest, last, previous, has_after, found }
