package throttle

// The scripts count for all gateways. Each has one key, and gets the time from its caller, who knows the server's clock: so they call
// nothing that servers forbid in scripts, or that gives different results on a replica. Times are in ticks of 1/16 microsecond since 2026,
// which numbers of Lua, of 53 bits, hold exactly until 2043. Keys end by themselves, a second after they
// have come to mean nothing.

// bucketScript counts a request by a token bucket or a leaky bucket, as a meter does. Arguments: now, the interval of a token, the depth.
// It returns 1 or 0, and how far ahead of now the bucket's time lies.
const bucketScript = `
local now, interval, depth = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local at = tonumber(redis.call('GET', KEYS[1]) or '') or 0
if at < now then at = now end
if at > now + depth then at = now + depth end
local full = at + interval
if full > now + depth then return {0, at - now} end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', string.format('%.0f', math.ceil((full - now) / 16000) + 1000))
return {1, full - now}`

// windowScript counts a request in a window. Arguments: when the window began, its length, the limit, and now. It returns
// 1 or 0, and how many requests the window has had.
const windowScript = `
local start, window, limit, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local old = redis.call('HMGET', KEYS[1], 'start', 'count')
local began, count = tonumber(old[1] or '') or -1, tonumber(old[2] or '') or 0
if began < start or began > start + window then count = 0 else start = began end
if count >= limit then return {0, count} end
redis.call('HSET', KEYS[1], 'start', string.format('%.0f', start), 'count', string.format('%.0f', count + 1))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil((start + window - now) / 16000) + 1000))
return {1, count + 1}`

// enterScript notes a request that's under way. Arguments: now, until when it's noted, how many there may be, its id. It
// returns 1 or 0, and how many there are.
const enterScript = `
local now, ends, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
local count = redis.call('ZCARD', KEYS[1])
if count >= most then return {0, count} end
redis.call('ZADD', KEYS[1], string.format('%.0f', ends), ARGV[4])
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil((ends - now) / 16000) + 1000))
return {1, count + 1}`

// renewScript notes requests for longer. Arguments: now, until when, and the ids.
const renewScript = `
local now, ends = tonumber(ARGV[1]), tonumber(ARGV[2])
for i = 3, #ARGV do redis.call('ZADD', KEYS[1], string.format('%.0f', ends), ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil((ends - now) / 16000) + 1000))
return {1}`

// leaveScript forgets requests. Arguments: the ids.
const leaveScript = `
for i = 1, #ARGV do redis.call('ZREM', KEYS[1], ARGV[i]) end
return {1}`
