package rueidisstore

import (
	"context"
	"slices"
	"strconv"

	"github.com/redis/rueidis"
)

// A change is a script that changes something. A replica would answer those that find nothing to change by what it knows,
// so it must refuse them all: since Redis 7 it does if a header says that they write. An older server knows no header, and
// is asked for its role besides.
type change struct {
	header string
	sha1   string // of the script with the header
	script script
}

// The headers of scripts. One that makes room runs on a server without memory too.
const (
	writes  = "#!lua\n"
	shrinks = "#!lua flags=allow-oom\n"
)

// Scripts compare bytes for equality alone: Lua orders strings as the server's locale does. Offsets are those of record.go
// and one more. A key that holds no string has no record.
var (
	// saveScript replaces the record that begins with a prefix, and returns 1, or 0 where there is none, or one of another
	// user. Unless it may set the user, it leaves an anonymous record alone that would get one, and returns 2.
	saveScript = &change{
		writes, "d91107673d3be3d2bac5331db80bcce662b74392", script{"99d9cf83a0a4f6051e2e89380e25580191bfa1d2", `local prefix, value, ttl, bind = unpack(ARGV)
local old = redis.pcall('GETRANGE', KEYS[1], 0, 298)
if type(old) ~= 'string' or #old < 44 or old:sub(1, #prefix) ~= prefix then return 0 end
local last = 44 + old:byte(44)
if old:sub(44, last) ~= value:sub(44, last) then
  if last > 44 then return 0 end
  if bind == '0' then return 2 end
end
redis.call('SET', KEYS[1], value, 'PX', ttl)
return 1`},
	}

	// touchScript replaces the head of the record that begins with a prefix: of the same user, and made and authenticated
	// at the same times.
	touchScript = &change{
		writes, "c3c992d46cbcad15059b4cae563ce6dde70a3cc9", script{"189b1c9793b089877803f237adafc891b7db4b49", `local prefix, head, ttl = unpack(ARGV)
local old = redis.pcall('GET', KEYS[1])
if type(old) ~= 'string' or #old < 44 or old:sub(1, #prefix) ~= prefix then return 0 end
local last = 44 + old:byte(44)
if old:sub(26, 41) ~= head:sub(26, 41) or old:sub(44, last) ~= head:sub(44, last) then return 0 end
redis.call('SET', KEYS[1], head .. old:sub(old:byte(42) * 256 + old:byte(43) + 1), 'PX', ttl)
return 1`},
	}

	// removeScript puts a note in place of the record, so that nothing brings it back, and returns 1, as it does where the
	// note is there already. With a user it leaves all but that user's who authenticated before the cut-off, and returns
	// 0. An old server without memory for the note loses the record all
	// the same.
	removeScript = &change{
		shrinks, "01dfa0fdadb9ce893d39be55e0237e2405f6e8c5", script{"cb0c8dac9933b1456fde15f418b40606b6465ff3", `local now, longest, user, cutoff = unpack(ARGV)
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
return 1`},
	}

	// forgetScript deletes a value that begins with a prefix.
	forgetScript = &change{
		shrinks, "d087753e79fad4e0541f8de1c2b8f30886056918", script{"9dd717c529b072bc02c5ab18ed0a09381ff1485b", `if redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
return redis.call('UNLINK', KEYS[1])`},
	}

	// indexScript adds an id to an index, which then lives at least as long as given. PEXPIRE with GT does not do that:
	// it takes a key without an end for one that lives longer.
	indexScript = &change{
		writes, "fdb818231477f32800d8eaf9916c13d6fe719f4d", script{"aa80cc9d92ef16f0a5e3538f954f59102d57fea1", `redis.call('ZADD', KEYS[1], 0, ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1`},
	}

	// cutoffScript(cut-off; time, ms) makes a cut-off known, unless a later one is.
	cutoffScript = &change{
		writes, "e367aa8208c524cea986df0a7b6be0a8b363528b", script{"538becebd5f990312afb194fadc9a6019999459e", `local old = redis.call('GET', KEYS[1])
if old and #old == 8 then
  local oldHigh, oldLow = struct.unpack('>I4I4', old)
  local high, low = struct.unpack('>I4I4', ARGV[1])
  if high < oldHigh or high == oldHigh and low <= oldLow then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`},
	}
)

// noUserYet is what saveScript answers for an anonymous record that would get a user.
const noUserYet = 2

// A call runs a script.
type call struct {
	change *change
	key    string
	args   []string
}

// build makes the command for a server of this or an older kind, by the name of the script or with its text.
func (c *call) build(b rueidis.Builder, old, byName bool) rueidis.Completed {
	switch s := c.change; {
	case old && byName:
		return s.script.byName(b, c.key, c.args)
	case old:
		return s.script.byText(b, c.key, c.args)
	case byName:
		return script{sha1: s.sha1}.byName(b, c.key, c.args)
	default:
		return script{text: s.header + s.script.text}.byText(b, c.key, c.args)
	}
}

// run runs scripts in one round trip, each by itself and in no order, and sends those again whose script a server does not
// know.
func (s *Store) run(ctx context.Context, calls ...call) []rueidis.RedisResult {
	results := s.send(ctx, calls, true)
	s.runAgain(ctx, calls, results, func(err error) bool { return answersCode(err, "NOSCRIPT ") }, false)
	if s.runAgain(ctx, calls, results, noHeader, true) {
		s.runAgain(ctx, calls, results, func(err error) bool { return answersCode(err, "NOSCRIPT ") }, false)
	}
	return results
}

// noHeader reports whether a server is older than the headers of scripts.
func noHeader(err error) bool {
	return answers(err, "Error compiling script") && answers(err, "near '#'")
}

// runAgain sends those calls again whose result is an error of the kind, and puts the new results in their places.
func (s *Store) runAgain(ctx context.Context, calls []call, results []rueidis.RedisResult, kind func(error) bool, byName bool) bool {
	var places []int
	var again []call
	for i, result := range results {
		if kind(result.Error()) {
			places, again = append(places, i), append(again, calls[i])
		}
	}
	if len(places) == 0 {
		return false
	}
	if byName {
		s.old.Store(true)
	}
	for i, result := range s.send(ctx, again, byName) {
		results[places[i]] = result
	}
	return true
}

// send sends calls in one round trip, under Config.Timeout.
func (s *Store) send(ctx context.Context, calls []call, byName bool) []rueidis.RedisResult {
	old := s.old.Load()
	return s.do(ctx, old, len(calls), func(b rueidis.Builder) rueidis.Commands {
		commands := make(rueidis.Commands, len(calls), len(calls)+1)
		for i := range calls {
			commands[i] = calls[i].build(b, old, byName)
		}
		return commands
	})
}

// read sends commands that change nothing, and makes sure that a primary answers them. If their connection was lost it
// sends them again.
func (s *Store) read(ctx context.Context, n int, build func(b rueidis.Builder) rueidis.Commands) []rueidis.RedisResult {
	var results []rueidis.RedisResult
	for range s.link.reads() {
		results = s.do(ctx, true, n, build)
		if !slices.ContainsFunc(results, func(r rueidis.RedisResult) bool { return lost(ctx, r.Error()) }) {
			break
		}
	}
	return results
}

// get reads a value from a primary in one round trip. A replica would answer GET, with what it had when it was last told
// something; it refuses GETEX, which counts as a write although this one writes nothing. (A Cluster's replicas answer
// neither.) A server that cannot write, or that does not know GETEX, is asked for its role besides.
func (s *Store) get(ctx context.Context, key string) ([]byte, error) {
	if !s.old.Load() {
		value, err := s.getex(ctx, key)
		for range s.link.reads() - 1 {
			if !lost(ctx, err) {
				break
			}
			value, err = s.getex(ctx, key)
		}
		if answers(err, "unknown command") {
			s.old.Store(true)
		} else if !answersCode(err, "MISCONF ") && !answersCode(err, "NOREPLICAS ") {
			return value, err
		}
	}
	return s.read(ctx, 1, func(b rueidis.Builder) rueidis.Commands {
		return append(make(rueidis.Commands, 0, 2), b.Get().Key(key).Build())
	})[0].AsBytes()
}

// getex sends GETEX, or GET to a Cluster.
func (s *Store) getex(ctx context.Context, key string) (value []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	for t := s.link.tries(ctx); t.next(&err); {
		command := t.client.B().Getex().Key(key).Build()
		if t.cluster {
			command = t.client.B().Get().Key(key).Build()
		}
		value, err = t.do(ctx, command).AsBytes()
		if answersCode(err, "NOREPLICAS ") {
			break // it may be asked
		}
	}
	return value, err
}

// do sends n commands in one round trip, under Config.Timeout. None is sent twice unless a server has refused it. With
// exact it makes sure that a primary answers.
func (s *Store) do(ctx context.Context, exact bool, n int, build func(b rueidis.Builder) rueidis.Commands) []rueidis.RedisResult {
	if err := ctx.Err(); err != nil { // also for a client that would send it
		return errorResults(n, err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	return s.link.all(ctx, exact, n, build)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
