package memory_test

import (
	"context"
	"fmt"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// An application hands the store to its session manager; a test may also look into it.
func Example() {
	ctx := context.Background()
	var s memory.Store

	now := time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC)
	for _, agent := range []string{"phone", "laptop"} {
		r := &store.Record{
			ID: store.NewID(now), User: "ada", AuthenticatedAt: now, CreatedAt: now, LastSeen: now,
			ExpiresAt: now.Add(time.Hour), UserAgent: agent,
		}
		if err := s.Create(ctx, r); err != nil {
			fmt.Println(err)
		}
		now = now.Add(time.Minute)
	}
	for r, err := range s.List(ctx, store.Query{User: "ada"}) {
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(r.UserAgent, r.CreatedAt.Format(time.TimeOnly))
	}
	// Output:
	// laptop 15:05:00
	// phone 15:04:00
}
