package memcachestore

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// A cluster is several servers, each of which has its share of the ids.
type cluster struct {
	servers []*server
	prefix  string // with the schema
	timeout time.Duration
	maxSize int // of a value
}

const idSize = 22 // base64

// key returns the key of id. It has at most maxPrefix + 4 + idSize bytes.
func (c *cluster) key(id store.ID) string {
	var b [maxPrefix + 4 + idSize]byte
	n := copy(b[:], c.prefix)
	base64.RawURLEncoding.Encode(b[n:n+idSize], id[:])
	return string(b[:n+idSize])
}

// pick returns the server of id, the one with the highest weight (rendezvous hashing): a server more or less moves the
// ids of its own share and no others. It does not ask which servers answer: an id that moved away and back again would
// find a copy from before.
func (c *cluster) pick(id store.ID) *server {
	best := c.servers[0]
	if len(c.servers) == 1 {
		return best
	}
	h := mix(mix(binary.BigEndian.Uint64(id[:8])) ^ binary.BigEndian.Uint64(id[8:]))
	most := mix(h ^ best.seed)
	for _, s := range c.servers[1:] {
		if w := mix(h ^ s.seed); w > most {
			best, most = s, w
		}
	}
	return best
}

// mix spreads the bits of v over all of the result (the finalizer of splitmix64).
func mix(v uint64) uint64 {
	v = (v ^ v>>30) * 0xbf58476d1ce4e5b9
	v = (v ^ v>>27) * 0x94d049bb133111eb
	return v ^ v>>31
}

// seed is a server's part of its weights. It goes by the name that the configuration has.
func seed(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return mix(h.Sum64())
}

// until returns when a call that begins now must end.
func (c *cluster) until(ctx context.Context) time.Time {
	t := time.Now().Add(c.timeout)
	if d, ok := ctx.Deadline(); ok && d.Before(t) {
		return d
	}
	return t
}

// maxDeletes is how many items a Delete removes at once from one server.
const maxDeletes = 16

// remove deletes the items of ids. Each server has goroutines of its own, so that one that does not answer keeps nobody
// from telling the others; it is not asked again once it has failed.
func (c *cluster) remove(ctx context.Context, ids []store.ID) error {
	if err := ctx.Err(); err != nil {
		return c.fail(ctx, "delete", err)
	}
	if len(ids) == 1 {
		if err := c.pick(ids[0]).remove(ctx, c.until(ctx), c.key(ids[0])); err != nil {
			return c.fail(ctx, "delete", err)
		}
		return nil
	}
	shares := map[*server][]store.ID{}
	for _, id := range ids {
		s := c.pick(id)
		shares[s] = append(shares[s], id)
	}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for s, share := range shares {
		var next atomic.Int64
		var failed atomic.Bool
		for range min(maxDeletes, len(share)) {
			wg.Go(func() {
				for i := next.Add(1); i <= int64(len(share)) && !failed.Load() && ctx.Err() == nil; i = next.Add(1) {
					err := s.remove(ctx, c.until(ctx), c.key(share[i-1]))
					if err != nil && !failed.Swap(true) {
						mu.Lock()
						errs = append(errs, c.fail(ctx, "delete", err))
						mu.Unlock()
					}
				}
			})
		}
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		errs = append(errs, c.fail(ctx, "delete", err))
	}
	return errors.Join(errs...)
}

// close closes the connections to all servers.
func (c *cluster) close() error {
	var errs []error
	for _, s := range c.servers {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}
