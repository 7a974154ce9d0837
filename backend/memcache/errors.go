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

// full reports whether a server has no memory for an item.
func full(err error) bool {
	return err != nil && strings.Contains(err.Error(), "SERVER_ERROR out of memory")
}

// fail makes the error of a call out of what went wrong with a command.
func (c *cluster) fail(ctx context.Context, op string, err error) error {
	var ne net.Error
	isNet := errors.As(err, &ne)
	timeout := isNet && ne.Timeout()
	done := ctx.Err()
	if d, ok := ctx.Deadline(); ok && timeout && done == nil && !time.Now().Before(d) {
		done = context.DeadlineExceeded // a connection's deadline may end a moment before the context says so
	}
	switch {
	case done != nil && isNet && !errors.Is(err, done):
		return fmt.Errorf("memcachestore: %s: %w: %v", op, done, err)
	case done != nil:
		return fmt.Errorf("memcachestore: %s: %w", op, done)
	case timeout:
		return fmt.Errorf("memcachestore: %s: %w: no answer within %v: %v", op, store.ErrUnavailable, c.timeout, err)
	}
	// The client's own errors quote what the server sent, which may be a part of a value.
	switch text := err.Error(); {
	case strings.Contains(text, "SERVER_ERROR object too large"):
		return fmt.Errorf("memcachestore: %s: %w: the servers' option -I is less than MaxItem", op, store.ErrTooLarge)
	case full(err):
		err = errors.New("the server is out of memory")
	case strings.HasPrefix(text, "memcache: "):
		err = errors.New("the server does not answer as a memcached")
	}
	return fmt.Errorf("memcachestore: %s: %w: %w", op, store.ErrUnavailable, err)
}
