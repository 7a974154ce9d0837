package rueidisstore

import (
	"context"
	"fmt"

	"github.com/redis/rueidis"

	"github.com/qsessions/qsessions/core/store"
)

// checkRights asks for each command that a store uses, in a form that changes nothing, and refuses a user who may not use it, at
// all or on these keys: it would be found out by the requests, one after the other, and each of them would fail. What else
// servers answer says nothing of rights.
func (s *Store) checkRights(ctx context.Context) error {
	key := s.recordKey(store.ID{}) // of no record
	names := []string{
		"GET", "GETEX", "GETRANGE", "SET", "PTTL", "PEXPIRE", "UNLINK", "ZADD", "ZREM", "ZRANGEBYLEX", "ZREVRANGEBYLEX", "EVALSHA", "EVAL", "SCAN", "ROLE",
	}
	p, err := s.link.peer(ctx)
	if err != nil {
		return s.fail(ctx, "open", err)
	}
	if p.cluster { // the last two have no key to find a server by
		names = names[:len(names)-2]
	}
	commands := func(b rueidis.Builder) rueidis.Commands {
		return rueidis.Commands{
			b.Get().Key(key).Build(), b.Getex().Key(key).Build(), b.Getrange().Key(key).Start(0).End(0).Build(), b.Set().Key(key).Value("").Xx().Build(),
			b.Pttl().Key(key).Build(), b.Pexpire().Key(key).Milliseconds(1).Build(), b.Unlink().Key(key).Build(),
			b.Zadd().Key(key).Xx().ScoreMember().ScoreMember(0, "-").Build(), b.Zrem().Key(key).Member("-").Build(),
			earliest(b, key, ""), latest(b, key, "", 1),
			script{sha1: "0000000000000000000000000000000000000000"}.byName(b, key, nil), script{text: "return 0"}.byText(b, key, nil),
			b.Scan().Cursor(0).Match(key).Count(1).Build(), b.Role().Build(),
		}[:len(names)]
	}
	for i, result := range s.do(ctx, false, len(names), commands) {
		if answersCode(result.Error(), "NOPERM ") {
			return fmt.Errorf("rueidisstore: the server does not let this user use %s on keys that begin with %q; the package documentation names the rights", names[i], s.config.Prefix)
		}
	}
	if err := ctx.Err(); err != nil {
		return s.fail(ctx, "open", err)
	}
	return nil
}
