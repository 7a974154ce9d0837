package itest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/memcache"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// A cut connection loses what comes after some bytes of answers: it ends, is silent until its deadline, or says that the
// deadline has passed and brings the rest later. The server has done what it was told by then.
type cut struct {
	net.Conn
	left int // bytes before the cut
	how  int
	rest []byte // what comes later
}

const (
	ends = iota
	silent
	late
)

func (c *cut) NetConn() net.Conn { return c.Conn }

func (c *cut) Read(b []byte) (int, error) {
	for {
		if len(c.rest) > 0 {
			n := copy(b, c.rest)
			c.rest = c.rest[n:]
			return n, nil
		}
		n, err := c.Conn.Read(b)
		if err != nil {
			return 0, err
		}
		pass := min(n, c.left)
		c.left -= pass
		switch {
		case pass == n:
			return n, nil
		case c.how == late:
			c.rest, c.left = bytes.Clone(b[pass:n]), rand.IntN(2000)
			return pass, os.ErrDeadlineExceeded
		case c.how == ends:
			return pass, io.EOF
		case pass > 0:
			return pass, nil
		}
	}
}

// TestCutAnswers: FLT-3, CVE-20. Answers are cut anywhere, under load. No call gets another's copy, and what a call says
// that it did is done.
func TestCutAnswers(t *testing.T) {
	t.Parallel()
	addr, p, ctx := testserver.Memcached(t).Addr, prefix(), t.Context()
	c := openCache(t, memcachestore.CacheConfig{
		Prefix: p, Timeout: 300 * time.Millisecond,
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, network, addr)
			return &cut{Conn: nc, left: rand.IntN(2000), how: []int{silent, ends, ends, ends, late, late, late, late}[rand.IntN(8)]}, err
		},
	}, addr)
	whole := openCache(t, memcachestore.CacheConfig{Prefix: p}, addr)
	var wg sync.WaitGroup
	var failed, gotten, stored, deleted atomic.Int64
	for range 16 {
		wg.Go(func() {
			ids := [4]store.ID{newID(), newID(), newID(), newID()}
			for i := range 200 {
				id := ids[rand.IntN(len(ids))]
				want := bytes.Repeat(id[:], 1+i%9)
				got, ticket, err := c.Get(ctx, id)
				if err != nil {
					failed.Add(1)
				}
				if got != nil {
					gotten.Add(1)
					if !bytes.HasPrefix(got, id[:]) {
						t.Errorf("Get of %v returned another's copy", id)
					}
				}
				if err := c.Put(ctx, id, ticket, want, time.Minute); err == nil {
					stored.Add(1)
					if now, _, err := whole.Get(ctx, id); err != nil || !bytes.Equal(now, want) {
						t.Errorf("Put says that it stored a copy; there is %x, %v", now, err)
					}
				} else if !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, store.ErrConflict) {
					t.Error(err)
				}
				if i%3 > 0 {
					continue
				}
				if err := c.Delete(ctx, id); err == nil {
					deleted.Add(1)
					if now, _, err := whole.Get(ctx, id); err != nil || now != nil {
						t.Errorf("Delete says that it emptied a slot; there is %x, %v", now, err)
					}
					must(t, whole.Delete(ctx, id))
				}
			}
		})
	}
	wg.Wait()
	for what, n := range map[string]int64{"failed": failed.Load(), "gotten": gotten.Load(), "stored": stored.Load(), "deleted": deleted.Load()} {
		if n < 10 {
			t.Errorf("%d calls of those %s: the test tests nothing", n, what)
		}
	}
}
