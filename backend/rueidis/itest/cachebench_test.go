package itest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
)

// BenchmarkCache compares what the cache does with the commands that it cannot do without, over copies of 1 KiB: a plain
// GET and SET by a client with the same options. A context with a deadline, as package cacheddb gives, costs the same
// everywhere and is left out.
func BenchmarkCache(b *testing.B) {
	copy := []byte(strings.Repeat("x", 1024))
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	p := prefix()
	plain := openCache(b, redisURL(b), rueidisstore.CacheConfig{Prefix: p})
	aside := openCache(b, redisURL(b), rueidisstore.CacheConfig{Prefix: p, ClientSide: time.Minute})

	var raw rueidis.Client
	rawCache := openCache(b, redisURL(b), rueidisstore.CacheConfig{Option: func(o *rueidis.ClientOption) {
		c := *o
		c.DisableCache = true
		var err error
		if raw, err = rueidis.NewClient(c); err != nil {
			b.Fatal(err)
		}
	}})
	rawCache.Close()
	b.Cleanup(raw.Close)

	full, slot := newID(), newID()
	fill(b, plain, full, string(copy))
	keep(b, aside, full, string(copy))
	key := slotKey(p, full)
	calls := []struct {
		name string
		do   func() error
	}{
		{"raw GET", func() error { _, err := raw.Do(ctx, raw.B().Get().Key(key).Build()).AsBytes(); return err }},
		{"hit", func() error { _, _, err := plain.Get(ctx, full); return err }},
		{"hit, client side", func() error { _, _, err := aside.Get(ctx, full); return err }},
		{"miss", func() error { _, _, err := plain.Get(ctx, newID()); return err }},
		{"raw SET PX", func() error {
			return raw.Do(ctx, raw.B().Set().Key(p+"raw").Value(rueidis.BinaryString(copy)).PxMilliseconds(1000).Build()).Error()
		}},
		{"miss and Put", func() error {
			id := newID()
			_, ticket, err := plain.Get(ctx, id)
			if err != nil {
				return err
			}
			return plain.Put(ctx, id, ticket, copy, time.Minute)
		}},
		{"Delete", func() error { return plain.Delete(ctx, slot) }},
	}
	for _, call := range calls {
		b.Run(call.name+"/serial", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := call.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(call.name+"/32", func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := call.do(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
