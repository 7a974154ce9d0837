package rueidisstore

import (
	"errors"
	"log/slog"
	"time"

	"github.com/redis/rueidis"
)

const defaultStoreTimeout = 2 * time.Second

// A Config configures a [Store]. The zero value is ready to use. All processes of one application have the same Prefix and
// IndexAll.
type Config struct {
	// Prefix begins every key, so that applications that share a Redis do not share sessions: 1 to 64 letters, digits and
	// characters of _.:/- (no braces, which would put all keys into one slot of a Cluster). Default [DefaultPrefix].
	Prefix string

	// IndexAll keeps an index of all sessions, so that List can answer queries that do not name a user, and so that Sweep
	// sees anonymous sessions. It costs one more round trip for each new anonymous session, and one more command for each
	// other write. Sessions from before it was set are listed once they are used again. Default: only sessions of one user
	// can be listed, and any other List fails with [errors.ErrUnsupported].
	IndexAll bool

	// AllowEviction accepts a server that removes keys when its memory is full. Sessions then vanish: users are signed
	// out, and a user's index may go before the sessions that are in it, which RevokeUser then does not find until they are
	// used again. By default such a server is refused.
	AllowEviction bool

	// Timeout bounds each round trip, with what is sent again as a server has refused it; the context may end it earlier.
	// DeleteUser, List, Sweep and a Delete of many need several round trips. Default 2 seconds.
	Timeout time.Duration

	// Option has the last word on the options of the client that Open makes: TLS certificates, credentials of Sentinel.
	// The options hold what the URL says and the defaults of this package. Reading from replicas is refused: a revoked
	// session would be found there.
	Option func(*rueidis.ClientOption)

	// Logger gets a warning where a server does not tell whether it evicts, and where a key holds what is no record of its
	// session. Default: nowhere.
	Logger *slog.Logger
}

// withDefaults validates c and fills in what it leaves out.
func (c Config) withDefaults() (Config, error) {
	var err error
	if c.Prefix, err = checkPrefix(c.Prefix); err != nil {
		return c, err
	}
	if c.Timeout < 0 {
		return c, errors.New("rueidisstore: Timeout is negative")
	}
	if c.Timeout == 0 {
		c.Timeout = defaultStoreTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}
