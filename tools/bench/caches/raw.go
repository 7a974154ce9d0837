package caches

import (
	"context"
	"errors"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/redis/rueidis"

	"github.com/qsessions/qsessions/core/store"
)

// A Raw is a client of the cache's server without this library.
type Raw struct {
	Get   func(ctx context.Context, key string) ([]byte, error)
	Set   func(ctx context.Context, key string, value []byte) error // for ten minutes
	Close func() error
}

const rawTime = 10 * time.Minute

// Raw connects to a server, with the options that this library sets if tuned, else with those that its driver has by
// itself. The caller closes what it returns.
func (c *Cache) Raw(tuned bool) (*Raw, error) {
	switch c.Name {
	case Memcached:
		client := memcache.New(c.addr)
		client.MaxIdleConns, client.Timeout = 64, time.Second
		return &Raw{
			Get: func(_ context.Context, key string) ([]byte, error) {
				item, err := client.Get(key)
				if err != nil {
					return nil, err
				}
				return item.Value, nil
			},
			Set: func(_ context.Context, key string, value []byte) error {
				return client.Set(&memcache.Item{Key: key, Value: value, Expiration: int32(rawTime.Seconds())})
			},
			Close: client.Close,
		}, nil
	case Redis, ClientSide:
		return c.rawRedis(tuned)
	}
	return nil, errors.New("there is no server")
}

func (c *Cache) rawRedis(tuned bool) (*Raw, error) {
	o, err := rueidis.ParseURL(c.addr)
	if err != nil {
		return nil, err
	}
	o.DisableCache = c.Name != ClientSide
	if tuned {
		o.PipelineMultiplex, o.ReadBufferEachConn, o.WriteBufferEachConn = -1, 64<<10, 64<<10
	}
	client, err := rueidis.NewClient(o)
	if err != nil {
		return nil, err
	}
	raw := &Raw{
		Get: func(ctx context.Context, key string) ([]byte, error) {
			return client.Do(ctx, client.B().Get().Key(key).Build()).AsBytes()
		},
		Set: func(ctx context.Context, key string, value []byte) error {
			set := client.B().Set().Key(key).Value(rueidis.BinaryString(value)).PxMilliseconds(rawTime.Milliseconds())
			return client.Do(ctx, set.Build()).Error()
		},
		Close: func() error { client.Close(); return nil },
	}
	if c.Name == ClientSide {
		raw.Get = func(ctx context.Context, key string) ([]byte, error) {
			return client.DoCache(ctx, client.B().Get().Key(key).Cache(), rawTime).AsBytes()
		}
	}
	return raw, nil
}

// slotHead is what Redis has before a copy.
const slotHead = 9

// Slot returns as many bytes as the server keeps for the copy of id, which must be there.
func (c *Cache) Slot(ctx context.Context, id store.ID) ([]byte, error) {
	cache, closeCache, err := c.Connect(ctx)
	if err != nil {
		return nil, err
	}
	b, _, err := cache.Get(ctx, id)
	if err == nil && b == nil {
		err = errors.New("there is no copy")
	}
	if c.Name != Memcached {
		b = append(make([]byte, slotHead), b...)
	}
	return b, errors.Join(err, closeCache())
}
