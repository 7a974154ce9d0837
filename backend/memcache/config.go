package memcachestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// A CacheConfig says how a [Cache] uses its servers. The zero value is ready to use. Every process that shares the cache
// must have the same Prefix and the same servers.
type CacheConfig struct {
	// Prefix begins each key, so that applications with different ones share servers, and no entries. It has 1 to 100
	// printable ASCII characters, without spaces. Default "qsessions:".
	Prefix string

	// Timeout bounds each call, or each id of a Delete, also under a context that ends later or never. Default 100 ms.
	Timeout time.Duration

	// MaxIdleConns is how many connections to each server stay open while no call uses them. A call that finds none opens
	// one, so it should be what is in use at busy times. Default 64.
	MaxIdleConns int

	// MaxItem is the size of the largest item that the servers take, which is their option -I, in bytes. A copy may have
	// 1 KiB less; a larger one is refused before it is sent, and what a server announces as larger than MaxItem before it
	// is read. From 2 KiB to 1 GiB; default 1 MiB.
	MaxItem int

	// Dial opens a connection, instead of [net.Dialer]: for TLS with [crypto/tls.Dialer], or for authentication. network
	// is "tcp" or "unix", and addr is one of the servers, which are then not looked up when the cache is opened. A
	// connection that goes over another has a method NetConn, as a [crypto/tls.Conn] does, else a Put over one that has
	// ended is an error.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// A Config says how a [Store] uses its servers. The zero value is ready to use. Every process that shares the sessions
// must have the same Prefix and the same servers.
type Config struct {
	// Prefix is as in [CacheConfig]. A Cache and a Store never share entries, not even with the same prefix.
	Prefix string

	// Timeout bounds each call, or each id of a Delete, also under a context that ends later or never. Default 500 ms.
	Timeout time.Duration

	// MaxIdleConns is as in [CacheConfig].
	MaxIdleConns int

	// MaxItem is as in [CacheConfig]. A record may have 1 KiB less.
	MaxItem int

	// Dial is as in [CacheConfig].
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

const (
	defaultPrefix = "qsessions:"
	maxPrefix     = 100 // a key has at most 250 bytes
	itemOverhead  = 1 << 10
)

// withDefaults validates c and fills in what it leaves out.
func (c Config) withDefaults(timeout time.Duration) (Config, error) {
	c.Prefix = cmp.Or(c.Prefix, defaultPrefix)
	c.Timeout = cmp.Or(c.Timeout, timeout)
	c.MaxIdleConns = cmp.Or(c.MaxIdleConns, 64)
	c.MaxItem = cmp.Or(c.MaxItem, 1<<20)
	if len(c.Prefix) > maxPrefix {
		return c, fmt.Errorf("memcachestore: Prefix has more than %d bytes", maxPrefix)
	}
	for i := range len(c.Prefix) {
		if b := c.Prefix[i]; b <= ' ' || b > '~' {
			return c, fmt.Errorf("memcachestore: Prefix %q has a character that is a space, or not printable ASCII", c.Prefix)
		}
	}
	if c.Timeout < 0 {
		return c, errors.New("memcachestore: Timeout is negative")
	}
	if c.MaxIdleConns < 0 {
		return c, errors.New("memcachestore: MaxIdleConns is negative")
	}
	if c.MaxItem < 2*itemOverhead || c.MaxItem > 1<<30 {
		return c, errors.New("memcachestore: MaxItem is not between 2 KiB and 1 GiB")
	}
	return c, nil
}
