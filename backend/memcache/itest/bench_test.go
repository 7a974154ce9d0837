package itest

import (
	"testing"
	"time"

	gomemcache "github.com/bradfitz/gomemcache/memcache"

	"github.com/qsessions/qsessions/backend/memcache"
	"github.com/qsessions/qsessions/testserver"
)

// BenchmarkGet compares a hit with the client's own Get of the same bytes, by one goroutine and by 32.
func BenchmarkGet(b *testing.B) {
	addr, p := testserver.Memcached(b).Addr, prefix()
	c := openCache(b, memcachestore.CacheConfig{Prefix: p}, addr)
	raw := gomemcache.New(addr)
	raw.MaxIdleConns, raw.Timeout = 64, patience
	b.Cleanup(func() { must(b, raw.Close()) })
	id, copy := newID(), noise(512)
	fill(b, c, id, copy)
	key := p + "c1:" + base64ID(id)
	for _, v := range []struct {
		name string
		get  func() error
	}{
		{"raw", func() error { _, err := raw.Get(key); return err }},
		{"hit", func() error { _, _, err := c.Get(b.Context(), id); return err }},
	} {
		b.Run(v.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := v.get(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(v.name+"-32", func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(16) // for each of two processors
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := v.get(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkPut is a lease and its copy: four round trips.
func BenchmarkPut(b *testing.B) {
	c := openCache(b, memcachestore.CacheConfig{Prefix: prefix()}, testserver.Memcached(b).Addr)
	copy, ctx := noise(512), b.Context()
	b.ReportAllocs()
	for b.Loop() {
		id := newID()
		_, t, err := c.Get(ctx, id)
		must(b, err)
		must(b, c.Put(ctx, id, t, copy, time.Minute))
	}
}

// BenchmarkStore is a Load and a Save.
func BenchmarkStore(b *testing.B) {
	s := openStore(b, memcachestore.Config{Prefix: prefix()}, testserver.Memcached(b).Addr)
	r, ctx := record(), b.Context()
	must(b, s.Create(ctx, r))
	b.ReportAllocs()
	for b.Loop() {
		r, err := s.Load(ctx, r.ID)
		must(b, err)
		must(b, s.Save(ctx, r))
	}
}
