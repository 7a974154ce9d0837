package rueidisstore

import (
	"context"

	"github.com/redis/rueidis"
)

// A script is a Lua script over one key. The SHA-1 that names it is written down, as a program in FIPS mode must not
// compute one.
type script struct{ sha1, text string }

var (
	// takeScript(slot; lease, ms) is SET slot lease NX GET PX ms. It writes first, which a replica refuses.
	takeScript = script{
		"50e9c29b8e65c46fe01698457ba491937cec4693", `if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return false end
return redis.call('GET', KEYS[1])`,
	}
	// putScript(slot; ticket, new, ms) replaces a slot that still has the ticket.
	putScript = script{
		"b0d2f2489667903f64ea9938bf78918786dd9729", `if redis.call('GETRANGE', KEYS[1], 1, 8) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`,
	}
)

// exec runs the script by its name, and sends its text where the server does not know it: it has done nothing then. It is
// repeated where a server has refused it, and never otherwise.
func (s script) exec(ctx context.Context, l *link, key string, args ...string) (result rueidis.RedisResult) {
	for _, build := range [...]builder{script.byName, script.byText} {
		var err error
		for t := l.tries(ctx); t.next(&err); {
			result = t.do(ctx, build(s, t.client.B(), key, args))
			err = result.Error()
		}
		if err != nil && result.Error() == nil {
			result = rueidis.NewErrorResult(err) // there was no server to ask
		}
		if !answersCode(err, "NOSCRIPT ") {
			break
		}
	}
	return result
}

// execFenced is exec, and returns when this process knows that its own copy of the key is of no use.
func (s script) execFenced(ctx context.Context, l *link, key string, args ...string) (result rueidis.RedisResult) {
	for _, build := range [...]builder{script.byName, script.byText} {
		results := l.all(ctx, false, 2, func(b rueidis.Builder) rueidis.Commands {
			return rueidis.Commands{build(s, b, key, args), fence(b, key)}
		})
		result = results[0]
		if err := results[1].Error(); err != nil && result.Error() == nil {
			result = results[1]
		}
		if !answersCode(result.Error(), "NOSCRIPT ") {
			break
		}
	}
	return result
}

// A builder makes the command that runs a script.
type builder func(s script, b rueidis.Builder, key string, args []string) rueidis.Completed

func (s script) byName(b rueidis.Builder, key string, args []string) rueidis.Completed {
	return b.Evalsha().Sha1(s.sha1).Numkeys(1).Key(key).Arg(args...).Build()
}

func (s script) byText(b rueidis.Builder, key string, args []string) rueidis.Completed {
	return b.Eval().Script(s.text).Numkeys(1).Key(key).Arg(args...).Build()
}
