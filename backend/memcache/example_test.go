package memcachestore_test

import (
	"context"
	"crypto/tls"
	"log"

	"github.com/qsessions/qsessions/backend/memcache"
	"github.com/qsessions/qsessions/core/session"
)

func ExampleOpen() {
	ctx := context.Background()
	db, err := memcachestore.Open(ctx, []string{"127.0.0.1:11211"}, memcachestore.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	sessions, err := session.New(db, session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	_ = sessions // for an adapter
}

func ExampleOpenCache() {
	servers := []string{"cache1.internal:11211", "cache2.internal:11211"}
	cache, err := memcachestore.OpenCache(context.Background(), servers, memcachestore.CacheConfig{
		Prefix: "shop:",
		Dial:   new(tls.Dialer).DialContext,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close()
	_ = cache // for cacheddb.New, in front of a database
}
