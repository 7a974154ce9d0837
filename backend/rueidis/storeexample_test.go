package rueidisstore_test

import (
	"context"
	"log"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/session"
)

// Redis alone keeps the sessions.
func ExampleOpen() {
	ctx := context.Background()
	s, err := rueidisstore.Open(ctx, "redis://localhost:6379", rueidisstore.Config{})
	if err != nil {
		log.Fatal(err) // the server may evict: set maxmemory-policy noeviction
	}
	defer s.Close()
	sessions, err := session.New(s, session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	_ = sessions
}
