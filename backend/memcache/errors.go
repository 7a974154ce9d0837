package memcachestore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// fail makes the error of a call out of what went wrong with a command.
func (c *cluster) fail(ctx context.Context, op string, err error) error {
	if e := ctx.Err(); e != nil {
		return fmt.Errorf("memcachestore: %s: %w", op, e)
	}
	var ne net.Error
	isNet := errors.As(err, &ne)
	if isNet && ne.Timeout() {
		// The deadline of a connection may end a moment before the context says so.
		if d, ok := ctx.Deadline(); ok && !time.Now().Before(d) {
			return fmt.Errorf("memcachestore: %s: %w", op, context.DeadlineExceeded)
		}
		return fmt.Errorf("memcachestore: %s: %w: no answer within %v", op, store.ErrUnavailable, c.timeout)
	}
	if !isNet && !errors.Is(err, errClosed) && !broken(err) {
		// The client's own errors quote what the server sent, which may be a part of a value.
		switch text := err.Error(); {
		case strings.Contains(text, "SERVER_ERROR object too large"):
			return fmt.Errorf("memcachestore: %s: %w: the servers' option -I is less than MaxItem", op, store.ErrTooLarge)
		case strings.Contains(text, "SERVER_ERROR out of memory"):
			err = errors.New("the server is out of memory")
		case strings.HasPrefix(text, "memcache: "):
			err = errors.New("the server does not answer as a memcached")
		}
	}
	return fmt.Errorf("memcachestore: %s: %w: %w", op, store.ErrUnavailable, err)
}
