package rueidisstore

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/redis/rueidis"
)

// DefaultPrefix begins every key of this package, where the configuration names no other prefix.
const DefaultPrefix = "qsessions:"

const (
	defaultTimeout = 100 * time.Millisecond
	defaultMaxCopy = 1 << 20
	maxClientSide  = time.Minute
)

// A CacheConfig configures a [Cache]. The zero value is ready to use.
type CacheConfig struct {
	// Prefix begins every key, so that applications that share a Redis do not share copies: 1 to 64 letters, digits and
	// characters of _.:/- (braces would put all keys into one slot of a Cluster). Default [DefaultPrefix]. All processes of
	// one application have the same.
	Prefix string

	// Timeout bounds a call whose context has no deadline. Default 100 milliseconds. As a lost connection is made again by
	// the next call, each deadline, this one or the context's, should leave the time for that.
	Timeout time.Duration

	// MaxCopy is the most bytes of a copy; a larger one is refused with [store.ErrTooLarge]. Default 1 MiB. A large copy
	// delays whatever else uses the connection.
	MaxCopy int

	// ClientSide turns on client-side caching, and says for how long this process may answer from a copy of its own, at
	// most: up to a minute, 5 seconds are a good choice. Zero, the default, is off.
	//
	// It saves the round trip of a read that this process has done twice before, the second time in two. The price: Redis tells the other processes
	// that a copy was deleted or replaced, but nobody waits until they have heard of it. That takes less than a millisecond
	// as a rule, and at most ClientSide where Redis or the network hangs; for that long another process may accept a session
	// that was revoked. [Cache.Lag] returns this time, package cacheddb adds it to what it promises, and each of its
	// revocations then is a *store.PendingError. What this process has deleted or replaced itself it knows at once. A load
	// that must be exact does not use copies in any case.
	//
	// Only [OpenCache] can do it: there must be exactly one connection to a server, and a client does not say how many it
	// has. It takes RESP3 and CLIENT TRACKING (Redis 6 or later); where the server has none of it, OpenCache goes without, and
	// warns if it knows by then. It needs up to 32 MiB for each connection.
	ClientSide time.Duration

	// Option has the last word on the options of the client that OpenCache makes: TLS certificates, credentials of
	// Sentinel. The options hold what the URL says and the defaults of this package. Reading from replicas is refused, as
	// a revoked session would be found there, and so is a ConnLifetime, as it may repeat commands. A MaxFlushDelay of 20 µs
	// serves more requests where many run at once, and makes each slower where few do (docs/measurements.md).
	Option func(*rueidis.ClientOption)

	// Logger gets a warning where the server cannot be reached when the cache is opened, or does not support what was asked
	// for. Default: nowhere.
	Logger *slog.Logger
}

// withDefaults validates c and fills in what it leaves out.
func (c CacheConfig) withDefaults() (CacheConfig, error) {
	var err error
	if c.Prefix, err = checkPrefix(c.Prefix); err != nil {
		return c, err
	}
	if c.Timeout, err = checkTimeout(c.Timeout); err != nil {
		return c, err
	}
	if c.MaxCopy < 0 {
		return c, errors.New("rueidisstore: MaxCopy is negative")
	}
	if c.MaxCopy == 0 {
		c.MaxCopy = defaultMaxCopy
	}
	if c.ClientSide != 0 && (c.ClientSide < time.Millisecond || c.ClientSide > maxClientSide) {
		return c, fmt.Errorf("rueidisstore: ClientSide is %v, not 0 or from a millisecond to %v", c.ClientSide, maxClientSide)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

var validPrefix = regexp.MustCompile(`^[A-Za-z0-9_.:/-]{1,64}$`)

// checkPrefix validates a prefix of keys and fills in the default.
func checkPrefix(prefix string) (string, error) {
	if prefix == "" {
		return DefaultPrefix, nil
	}
	if !validPrefix.MatchString(prefix) {
		return "", fmt.Errorf("rueidisstore: Prefix %q is not 1 to 64 letters, digits and characters of _.:/-", prefix)
	}
	return prefix, nil
}

// checkTimeout validates the bound of a call and fills in the default.
func checkTimeout(d time.Duration) (time.Duration, error) {
	if d < 0 {
		return 0, errors.New("rueidisstore: Timeout is negative")
	}
	if d == 0 {
		return defaultTimeout, nil
	}
	return d, nil
}
