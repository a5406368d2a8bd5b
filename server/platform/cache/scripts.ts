/**
 * The Lua that Redis runs. Keys come in blocks: `@g:` generations, `@c:` who holds a topic closed (sorted set by expiry).
 * Times are Redis's own, so that instances' clocks do not matter. A script that must also work when Redis is full says so.
 */
import { createHash } from 'node:crypto';

export interface Script {
  text: string;
  sha: string;
}

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

const NOW = `local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)`;

/**
 * KEYS: lease, value, n generations, n closers. ARGV: n, token, lease ms, generation ms, renew (1|0).
 * → value bytes | {'L', generations} | 'B' busy, 'C' closed (as 1-element lists).
 */
export const leaseScript = script(`
${NOW}
local n = tonumber(ARGV[1])
local current = {}
for i = 1, n do
  if redis.call('ZCOUNT', KEYS[2 + n + i], now, '+inf') > 0 then return {'C'} end
  local g = redis.call('GET', KEYS[2 + i])
  if g then
    redis.call('PEXPIRE', KEYS[2 + i], ARGV[4])
  else
    g = ARGV[2] .. 'l'
    redis.call('SET', KEYS[2 + i], g, 'PX', ARGV[4])
  end
  current[i] = g
end
local generations = table.concat(current)
if ARGV[5] == '0' then
  local value = redis.call('GET', KEYS[2])
  if value and string.byte(value, 1) == n and string.sub(value, 10, 9 + #generations) == generations then return value end
end
local out = redis.call('GET', KEYS[1])
if out and string.sub(out, 16) == generations then return {'B'} end
redis.call('SET', KEYS[1], ARGV[2] .. generations, 'PX', ARGV[3])
return {'L', generations}`);

/** KEYS: lease, value, n generations. ARGV: token with generations, stamped value, ttl ms. → 1 stored, 0 refused. */
export const fillScript = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
local current = {}
for i = 3, #KEYS do current[i - 2] = redis.call('GET', KEYS[i]) or '' end
if table.concat(current) ~= string.sub(ARGV[1], 16) then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1`);

/** KEYS: lease. ARGV: token with generations. */
export const releaseScript = script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1`);

/**
 * Many writers at once. A closer that died is passed over once its time is up, and goes with the whole set.
 * ARGV: close ms, generation ms, then for each writer: closer, n.
 * KEYS for each: n generations, n closers.
 */
export const closeScript = script(`#!lua flags=allow-oom
${NOW}
local k = 0
for a = 3, #ARGV, 2 do
  local n = tonumber(ARGV[a + 1])
  for i = k + 1, k + n do
    redis.call('SET', KEYS[i], ARGV[a] .. 'c', 'PX', ARGV[2])
    redis.call('ZADD', KEYS[n + i], now + ARGV[1], ARGV[a])
    redis.call('PEXPIRE', KEYS[n + i], ARGV[1] + 1000)
  end
  k = k + 2 * n
end
return 1`);

/**
 * Many writers at once. ARGV: generation ms, then for each writer: closer, n, m, then for each of its m values: bytes, ttl ms,
 * how many topics, and their places among the n. KEYS for each: n generations, n closers, m values.
 * → for each, how many of its values were stored.
 */
export const settleScript = script(`#!lua flags=allow-oom
${NOW}
local out, k, a = {}, 0, 2
while a <= #ARGV do
  local closer, n, m = ARGV[a], tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2])
  local mine = {}
  for i = 1, n do
    redis.call('ZREM', KEYS[k + n + i], closer)
    mine[i] = m > 0 and redis.call('GET', KEYS[k + i]) == closer .. 'c' and redis.call('ZCOUNT', KEYS[k + n + i], now, '+inf') == 0
    redis.call('SET', KEYS[k + i], closer .. 's', 'PX', ARGV[1])
  end
  local stored = 0
  a = a + 3
  for v = 1, m do
    local ok, places = true, tonumber(ARGV[a + 2])
    for p = 1, places do ok = ok and mine[tonumber(ARGV[a + 2 + p])] end
    if ok then
      redis.call('SET', KEYS[k + 2 * n + v], ARGV[a], 'PX', ARGV[a + 1])
      stored = stored + 1
    end
    a = a + 3 + places
  end
  out[#out + 1] = stored
  k = k + 2 * n + m
end
return out`);

/**
 * Many requests at once. ARGV for each: how many keys, window ms, a limit per key; KEYS: all keys in that order.
 * → flat list of allowed (1|0), remaining, retry after ms. A request counts on all of its keys or on none.
 */
export const admitScript = script(`
local out, k, a = {}, 0, 1
while a <= #ARGV do
  local n, window = tonumber(ARGV[a]), ARGV[a + 1]
  local allowed, left, wait = 1, 9007199254740991, 0
  for i = 1, n do
    local used, limit = tonumber(redis.call('GET', KEYS[k + i]) or '0'), tonumber(ARGV[a + 1 + i])
    left = math.min(left, limit - used - 1)
    if used >= limit then
      allowed = 0
      wait = math.max(wait, redis.call('PTTL', KEYS[k + i]))
    end
  end
  if allowed == 1 then
    for i = 1, n do
      if redis.call('INCR', KEYS[k + i]) == 1 then redis.call('PEXPIRE', KEYS[k + i], window) end
    end
  end
  local r = #out
  out[r + 1], out[r + 2], out[r + 3] = allowed, math.max(left, 0), wait
  k, a = k + n, a + 2 + n
end
return out`);
