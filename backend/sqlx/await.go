package sqlxstore

import (
	"context"
	"database/sql/driver"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Drivers that return at once when a context ends, whatever the server and the network do. lib/pq goes on reading until the
// connection breaks, and mattn/go-sqlite3 waits for a lock to its end. So may others, and wrappers around any of them.
var driversInTime = []string{"github.com/jackc/pgx", "github.com/go-sql-driver/mysql", "modernc.org/sqlite"}

func endsInTime(d driver.Driver) bool {
	t := reflect.TypeOf(d)
	if t == nil {
		return false
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return slices.ContainsFunc(driversInTime, func(path string) bool {
		return t.PkgPath() == path || strings.HasPrefix(t.PkgPath(), path+"/")
	})
}

// answerTime is how long a driver has for its answer after the end of a context: it knows the outcome better.
const answerTime = 50 * time.Millisecond

// await runs f. Beside means that f may not return when ctx ends: await then does, and f goes on until the driver returns,
// at the end of the connection at the latest. Its results are lost.
func await(ctx context.Context, beside bool, f func() error) error {
	if !beside || ctx.Done() == nil {
		return f()
	}
	type outcome struct {
		err    error
		caught any
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			if o.caught = recover(); o.caught != nil {
				o.err = fmt.Errorf("sqlxstore: the driver panicked: %v", o.caught)
			}
			done <- o
		}()
		o.err = f()
	}()
	var o outcome
	select {
	case o = <-done:
	case <-ctx.Done():
		t := time.NewTimer(answerTime)
		defer t.Stop()
		select {
		case o = <-done:
		case <-t.C:
			return ctx.Err()
		}
	}
	if o.caught != nil {
		panic(o.caught)
	}
	return o.err
}
