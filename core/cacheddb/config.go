package cacheddb

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// MaxFreshness bounds Config.Freshness. A database forgets a removed session five minutes after it was removed at the
// soonest, and no copy of it may outlive that: a second revocation could not find it any more.
const MaxFreshness = 4 * time.Minute

// A Config configures a [Store]. Its zero value has the defaults.
type Config struct {
	// Freshness is for how long after the database was asked a copy is used; default 2 minutes, at most MaxFreshness. It
	// bounds how long the loss of a message to the cache can matter. Processes that share a cache must agree on it, and on
	// Skew: the EffectiveBy of a [store.PendingError] goes by those of the process that returns it.
	Freshness time.Duration
	// Skew is by how much the clocks of two processes may differ; default 2 seconds, at most 30.
	Skew time.Duration
	// Timeout bounds each call of the cache; default 100 milliseconds, at most 5 seconds. In a load a call gets at most half
	// of what is left until the deadline of the caller's context. After a write the cache is told even if that has passed.
	Timeout time.Duration
	// Retry is for how long the cache is left alone after five calls in a row have failed, of whatever sessions, and none has
	// succeeded for Timeout; default 1 second, at most a minute. After it a single call tries again. A removal tries in any
	// case. A call that ran out of time, and had less than Timeout as its caller was in a hurry, does not count.
	Retry time.Duration

	// Namespace tells the copies of this database from those of others in the same cache: what another Namespace has
	// stored is never used. Applications with databases of their own that share a cache need different ones. At most 255
	// bytes.
	Namespace string
	// Keys turns on encryption of copies with AES-256-GCM, each session under a key of its own: each key has 32 random
	// bytes, the first one encrypts, all decrypt. By default copies are not encrypted, and are authenticated with a key
	// that the database keeps, see [store.Keeper]. The package comment says how to turn encryption on, rotate keys, and
	// turn it off, where instances of before and after run side by side.
	Keys [][]byte
	// Plain says how copies that are not encrypted are treated beside Keys, while encryption is turned on or off. Default
	// [PlainRefused].
	Plain Plain
	// Unauthenticated accepts every copy whose checksum is right, so that a database that keeps no key can be used: whoever
	// can write to the cache then can take over every session, and become any user. Default: New refuses such a database,
	// unless there are Keys.
	Unauthenticated bool

	// Logger is told when the cache is given up and when it is back, when the database does not tell the key of copies, when
	// that key is a new one, and, once a minute at most with the cause and the count, that the cache does not take copies
	// or cannot be told of changes: no caller hears of that. Default: nowhere.
	Logger *slog.Logger
}

// Plain says what becomes of copies that are authenticated and not encrypted, where there are keys to encrypt with.
type Plain int

const (
	PlainRefused Plain = iota // they are no copies
	PlainRead                 // they are read, and new ones are encrypted
	PlainWritten              // they are read and made, and those that are encrypted are read
)

func (c Config) withDefaults() (Config, error) {
	for _, f := range []struct {
		name      string
		d         *time.Duration
		def, most time.Duration
	}{
		{"Freshness", &c.Freshness, 2 * time.Minute, MaxFreshness},
		{"Skew", &c.Skew, 2 * time.Second, 30 * time.Second},
		{"Timeout", &c.Timeout, 100 * time.Millisecond, 5 * time.Second},
		{"Retry", &c.Retry, time.Second, time.Minute},
	} {
		if *f.d < 0 || *f.d > f.most {
			return c, fmt.Errorf("cacheddb: Config.%s is %v, not between 0 and %v", f.name, *f.d, f.most)
		}
		if *f.d == 0 {
			*f.d = f.def
		}
	}
	if len(c.Namespace) > 255 {
		return c, fmt.Errorf("cacheddb: Config.Namespace has %d bytes, not at most 255", len(c.Namespace))
	}
	if c.Plain < PlainRefused || c.Plain > PlainWritten {
		return c, fmt.Errorf("cacheddb: Config.Plain is %d, not one of its constants", c.Plain)
	}
	if c.Plain != PlainRefused && len(c.Keys) == 0 {
		return c, errors.New("cacheddb: Config.Plain is about copies beside encrypted ones, and there are no Keys")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// New returns a store that keeps records in db and copies of them in cache. It owns neither: whoever opened them closes
// them, when the store is not used any more. The error names what is wrong with the arguments. Nothing is asked yet: the
// key that authenticates copies, which db keeps as a [store.Keeper], is read when it is first needed, and until it can be
// read the cache is not used.
//
// A cache whose clients keep copies of their own has a method Lag() time.Duration: for how long others may go on with
// what was deleted. New asks it, and each removal then is pending for that time. What wraps such a cache must have it too.
func New(cache store.Cache, db store.Indexed, c Config) (*Store, error) {
	if cache == nil || db == nil {
		return nil, errors.New("cacheddb: New needs a cache and a database")
	}
	if _, ok := db.(store.Cached); ok {
		return nil, errors.New("cacheddb: New: the database answers from copies itself")
	}
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	keys, err := newKeyring(&c, db)
	if err != nil {
		return nil, err
	}
	c.Keys = nil // the ring has its own
	s := &Store{cache: cache, db: untagged{db}, cfg: c, keys: keys, untold: untold{until: c.Freshness + c.Skew}}
	s.breaker.init(c)
	if l, ok := cache.(interface{ Lag() time.Duration }); ok {
		s.lag = l.Lag()
	}
	return s, nil
}
