package memory_test

import (
	"context"
	"errors"
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

// A reader that finds no copy asks the database, and fills the slot unless something has happened to it meanwhile.
func ExampleCache() {
	ctx := context.Background()
	var c memory.Cache
	id := store.NewID(time.Now())

	_, lease, err := c.Get(ctx, id)
	fmt.Println("leased:", lease != 0, err)
	fmt.Println("filled:", c.Put(ctx, id, lease, []byte("from the database"), time.Minute))
	b, ticket, err := c.Get(ctx, id)
	fmt.Printf("found: %s, %v\n", b, err)

	fmt.Println("deleted:", c.Delete(ctx, id))
	err = c.Put(ctx, id, ticket, []byte("too late"), time.Minute)
	fmt.Println("refused:", errors.Is(err, store.ErrConflict))
	// Output:
	// leased: true <nil>
	// filled: <nil>
	// found: from the database, <nil>
	// deleted: <nil>
	// refused: true
}
