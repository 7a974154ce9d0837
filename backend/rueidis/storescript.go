package rueidisstore

import (
	"context"
	"slices"
	"strconv"

	"github.com/redis/rueidis"
)

// Scripts compare bytes for equality alone: Lua orders strings as the server's locale does. Offsets are those of record.go
// and one more. A key that holds no string has no record.
var (
	// saveScript replaces the record that begins with a prefix, and returns 1, or 0 where there is none, or one of another
	// user. Unless it may set the user, it leaves an anonymous record alone that would get one, and returns 2.
	saveScript = script{
		"99d9cf83a0a4f6051e2e89380e25580191bfa1d2", `local prefix, value, ttl, bind = unpack(ARGV)
local old = redis.pcall('GETRANGE', KEYS[1], 0, 298)
if type(old) ~= 'string' or #old < 44 or old:sub(1, #prefix) ~= prefix then return 0 end
local last = 44 + old:byte(44)
if old:sub(44, last) ~= value:sub(44, last) then
  if last > 44 then return 0 end
  if bind == '0' then return 2 end
end
redis.call('SET', KEYS[1], value, 'PX', ttl)
return 1`,
	}

	// touchScript replaces the head of the record that begins with a prefix: of the same user, and made and authenticated
	// at the same times.
	touchScript = script{
		"189b1c9793b089877803f237adafc891b7db4b49", `local prefix, head, ttl = unpack(ARGV)
local old = redis.pcall('GET', KEYS[1])
if type(old) ~= 'string' or #old < 44 or old:sub(1, #prefix) ~= prefix then return 0 end
local last = 44 + old:byte(44)
if old:sub(26, 41) ~= head:sub(26, 41) or old:sub(44, last) ~= head:sub(44, last) then return 0 end
redis.call('SET', KEYS[1], head .. old:sub(old:byte(42) * 256 + old:byte(43) + 1), 'PX', ttl)
return 1`,
	}

	// removeScript puts a note in place of the record, so that nothing brings it back, and returns 1, as it does where the
	// note is there already. With a user it leaves all but that user's who authenticated before the cut-off, and returns
	// 0. A server without memory for the note loses the record all the same.
	removeScript = script{
		"cb0c8dac9933b1456fde15f418b40606b6465ff3", `local now, longest, user, cutoff = unpack(ARGV)
local old = redis.pcall('GETRANGE', KEYS[1], 0, 298)
if type(old) ~= 'string' or #old < 44 then return 0 end
local last = 44 + old:byte(44)
if user then
  if old:sub(44, last) ~= user then return 0 end
  local high, low = struct.unpack('>I4I4', old, 26)
  local cutoffHigh, cutoffLow = struct.unpack('>I4I4', cutoff)
  if high > cutoffHigh or high == cutoffHigh and low >= cutoffLow then return 0 end
end
if old:sub(1, 1) == 'D' then return 1 end
if old:sub(1, 1) ~= 'R' then return 0 end
local ttl = redis.call('PTTL', KEYS[1])
if ttl < 1 or ttl > tonumber(longest) then ttl = longest end
local note = 'D' .. old:sub(2, 9) .. now .. old:sub(18, last)
if redis.pcall('SET', KEYS[1], note, 'PX', ttl).err then redis.call('UNLINK', KEYS[1]) end
return 1`,
	}

	// forgetScript deletes a value that begins with a prefix.
	forgetScript = script{
		"9dd717c529b072bc02c5ab18ed0a09381ff1485b", `if redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
return redis.call('UNLINK', KEYS[1])`,
	}

	// indexScript adds an id to an index, which then lives at least as long as given. PEXPIRE with GT does not do that:
	// it takes a key without an end for one that lives longer.
	indexScript = script{
		"aa80cc9d92ef16f0a5e3538f954f59102d57fea1", `redis.call('ZADD', KEYS[1], 0, ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1`,
	}

	// cutoffScript(cut-off; time, ms) makes a cut-off known, unless a later one is.
	cutoffScript = script{
		"538becebd5f990312afb194fadc9a6019999459e", `local old = redis.call('GET', KEYS[1])
if old and #old == 8 then
  local oldHigh, oldLow = struct.unpack('>I4I4', old)
  local high, low = struct.unpack('>I4I4', ARGV[1])
  if high < oldHigh or high == oldHigh and low <= oldLow then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`,
	}
)

// noUserYet is what saveScript answers for an anonymous record that would get a user.
const noUserYet = 2

// A call runs a script.
type call struct {
	script script
	key    string
	args   []string
}

// run runs scripts in one round trip, each by itself and in no order, and sends those again whose script a server does not
// know.
func (s *Store) run(ctx context.Context, calls ...call) []rueidis.RedisResult {
	commands := make(rueidis.Commands, len(calls))
	for i, c := range calls {
		commands[i] = c.script.byName(s.client, c.key, c.args)
	}
	results := s.do(ctx, commands...)
	var unknown []int
	commands = nil
	for i, result := range results {
		if answers(result.Error(), "NOSCRIPT") {
			unknown = append(unknown, i)
			commands = append(commands, calls[i].script.byText(s.client, calls[i].key, calls[i].args))
		}
	}
	if len(unknown) > 0 {
		for i, result := range s.do(ctx, commands...) {
			results[unknown[i]] = result
		}
	}
	return results
}

// read is do for commands that change nothing: if their connection was lost it makes them anew and sends them once more.
func (s *Store) read(ctx context.Context, commands func() rueidis.Commands) []rueidis.RedisResult {
	results := s.do(ctx, commands()...)
	if slices.ContainsFunc(results, func(r rueidis.RedisResult) bool { return lost(ctx, r.Error()) }) {
		results = s.do(ctx, commands()...)
	}
	return results
}

// do sends commands in one round trip, under Config.Timeout. None is ever sent twice.
func (s *Store) do(ctx context.Context, commands ...rueidis.Completed) []rueidis.RedisResult {
	if err := ctx.Err(); err != nil { // also for a client that would send it
		results := make([]rueidis.RedisResult, len(commands))
		for i := range results {
			results[i] = rueidis.NewErrorResult(err)
		}
		return results
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	if len(commands) == 1 {
		return []rueidis.RedisResult{s.client.Do(ctx, commands[0])}
	}
	return s.client.DoMulti(ctx, commands...)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
