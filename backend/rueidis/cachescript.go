package rueidisstore

import (
	"context"

	"github.com/redis/rueidis"
)

// A script is a Lua script over one key. The SHA-1 that names it is written down, as a program in FIPS mode must not
// compute one.
type script struct{ sha1, text string }

var (
	// takeScript(slot; lease, ms) is SET slot lease NX GET PX ms.
	takeScript = script{
		"68b14b5ea2a3f62c030438ca26d4a9958d920112", `local slot = redis.call('GET', KEYS[1])
if slot then return slot end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false`,
	}
	// putScript(slot; ticket, new, ms) replaces a slot that still has the ticket.
	putScript = script{
		"b0d2f2489667903f64ea9938bf78918786dd9729", `if redis.call('GETRANGE', KEYS[1], 1, 8) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`,
	}
)

// exec runs the script by its name, and sends its text where the server does not know it: it has done nothing then. It is
// never repeated otherwise.
func (s script) exec(ctx context.Context, client rueidis.Client, key string, args ...string) rueidis.RedisResult {
	result := client.Do(ctx, s.byName(client, key, args))
	if answers(result.Error(), "NOSCRIPT") {
		result = client.Do(ctx, s.byText(client, key, args))
	}
	return result
}

// execFenced is exec, and returns when this process knows that its own copy of the key is of no use.
func (s script) execFenced(ctx context.Context, client rueidis.Client, key string, args ...string) rueidis.RedisResult {
	result := fenced(ctx, client, key, s.byName(client, key, args))
	if answers(result.Error(), "NOSCRIPT") {
		result = fenced(ctx, client, key, s.byText(client, key, args))
	}
	return result
}

func (s script) byName(client rueidis.Client, key string, args []string) rueidis.Completed {
	return client.B().Evalsha().Sha1(s.sha1).Numkeys(1).Key(key).Arg(args...).Build()
}

func (s script) byText(client rueidis.Client, key string, args []string) rueidis.Completed {
	return client.B().Eval().Script(s.text).Numkeys(1).Key(key).Arg(args...).Build()
}
