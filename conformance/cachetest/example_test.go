package cachetest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/conformance/cachetest"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// The test of a cache is this, in a file that ends in _test.go.
func ExampleRun() {
	TestContract := func(t *testing.T) {
		cachetest.Run(t, cachetest.Config{
			Open: func(context.Context) (cachetest.Fixture, error) {
				return cachetest.Fixture{Cache: new(memory.Cache)}, nil // yours: a fresh prefix or an empty server
			},
		})
	}
	_ = TestContract
}

// A cache in the memory of the process need not wait for leases to end.
func ExampleCheck_synctest() {
	TestContract := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			if err := cachetest.Check(t.Context(), cachetest.Config{
				Open: func(context.Context) (cachetest.Fixture, error) {
					return cachetest.Fixture{Cache: new(memory.Cache)}, nil
				},
			}); err != nil {
				t.Error(err)
			}
		})
	}
	_ = TestContract
}

// A plainCache is what comes to mind first, a map: it has no leases, and puts whatever it is given.
type plainCache struct {
	mu     sync.Mutex
	copies map[store.ID]string
}

func (c *plainCache) Get(ctx context.Context, id store.ID) ([]byte, store.Ticket, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if copy, ok := c.copies[id]; ok {
		return []byte(copy), 1, ctx.Err()
	}
	return nil, 1, ctx.Err()
}

func (c *plainCache) Put(ctx context.Context, id store.ID, _ store.Ticket, copy []byte, _ time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.copies[id] = string(copy)
	return ctx.Err()
}

func (c *plainCache) Delete(ctx context.Context, ids ...store.ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		delete(c.copies, id)
	}
	return ctx.Err()
}

// Check returns what a cache violates, for programs and for tests of the tests. As ctx ends, so does Check.
func ExampleCheck() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	err := cachetest.Check(ctx, cachetest.Config{
		Open: func(context.Context) (cachetest.Fixture, error) {
			if n++; n == 6 { // enough for an example
				cancel()
			}
			return cachetest.Fixture{Cache: &plainCache{copies: make(map[store.ID]string)}}, nil
		},
	})
	var v *cachetest.Violation
	if errors.As(err, &v) { // the first of them
		fmt.Println(v.Case.Name)
		fmt.Println(v.Case.Why)
	}
	// Output:
	// get/leased
	// Where another Get has put a lease that has not ended, copy is nil and the ticket is zero.
}
