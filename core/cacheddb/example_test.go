package cacheddb_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

// An application opens the two with rueidisstore.OpenCache or memcachestore.OpenCache, and with sqlxstore.Open.
func Example() {
	ctx := context.Background()
	cache, db := new(memory.Cache), new(memory.Store)
	both, err := cacheddb.New(cache, db, cacheddb.Config{Namespace: "shop", Timeout: 5 * time.Second})
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := session.New(both, session.Config{})
	if err != nil {
		log.Fatal(err)
	}

	ctx, _ = sessions.Start(ctx, session.Client{}, "")
	s, err := sessions.From(ctx)
	if err != nil {
		log.Fatal(err)
	}
	s.Login("ann")
	if err := s.Save(ctx); err != nil {
		log.Fatal(err)
	}
	for range 10 {
		if _, err := both.Load(ctx, s.ID()); err != nil {
			log.Fatal(err)
		}
	}
	stats := both.Stats()
	fmt.Println(stats.Misses, "miss,", stats.Hits, "hits")
	// Output: 1 miss, 9 hits
}
