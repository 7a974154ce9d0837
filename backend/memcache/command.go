package memcachestore

import (
	"context"
	"errors"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

var (
	errWrongKey = errors.New("the answer is for another key")
	errNoConn   = errors.New("no connection is old enough")
	errNoCAS    = errors.New("the server gives no CAS ids: it runs with -C")
	errTries    = errors.New("the record changes all the time")
)

// get returns the item of key, or [memcache.ErrCacheMiss], and the count of connections for a ticket.
func (s *server) get(ctx context.Context, until time.Time, key string) (it *memcache.Item, dials uint64, err error) {
	for range 2 {
		var c *conn
		if c, dials, err = s.take(ctx, until, false); err != nil {
			return nil, 0, err
		}
		it, err = c.client.Get(key)
		if err == nil && it.Key != key {
			_ = c.Close() // what comes next over it is for another key too
			err = errWrongKey
		}
		if !s.give(c, err) {
			break
		}
	}
	if err != nil {
		return nil, 0, err
	}
	s.lastCAS.Store(it.CasID)
	return it, dials, nil
}

// add stores it where there is no item, or returns [memcache.ErrNotStored]. With again it is sent once more after a
// restart, so that ErrNotStored may then mean the item itself.
func (s *server) add(ctx context.Context, until time.Time, it *memcache.Item, again bool) error {
	for {
		c, _, err := s.take(ctx, until, !again)
		if err != nil {
			return err
		}
		err = c.client.Add(it)
		if !s.give(c, err) || !again {
			return err
		}
		again = false
	}
}

// cas replaces the item that a ticket was for. [memcache.ErrCASConflict] and [memcache.ErrCacheMiss] say that it is not
// the same any more. errNoConn says that no connection is old enough, and that nothing was sent.
func (s *server) cas(ctx context.Context, until time.Time, it *memcache.Item, ticket uint64) error {
	cas, dials := s.redeem(ticket)
	c, err := s.takeBefore(ctx, dials, until)
	if err != nil {
		return err
	}
	it.CasID = cas
	err = c.client.CompareAndSwap(it)
	s.give(c, err)
	return err
}

// remove deletes the item of key. It is no error that there is none.
func (s *server) remove(ctx context.Context, until time.Time, key string) (err error) {
	for range 2 {
		var c *conn
		if c, _, err = s.take(ctx, until, false); err != nil {
			return err
		}
		err = c.client.Delete(key)
		if !s.give(c, err) {
			break
		}
	}
	if errors.Is(err, memcache.ErrCacheMiss) {
		return nil
	}
	return err
}

// ping asks the server for its version.
func (s *server) ping(ctx context.Context, until time.Time) error {
	c, _, err := s.take(ctx, until, false)
	if err != nil {
		return err
	}
	err = c.client.Ping()
	s.give(c, err)
	return err
}
