package memcachestore

import (
	"context"
	"errors"
	"hash/maphash"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/qsessions/qsessions/core/store"
)

// A Store keeps sessions in memcached alone. It is made by [Open], and safe for concurrent use. The package comment says
// what it cannot do.
type Store struct {
	c    *cluster
	seed maphash.Seed // for users in tags
}

var _ store.Store = (*Store)(nil)

// Open returns a store on servers, which are as in [OpenCache]. It asks each for its version, so that a wrong address
// shows; the error matches [store.ErrUnavailable] or is the context's where one does not answer.
func Open(ctx context.Context, servers []string, config Config) (*Store, error) {
	c, err := openCluster(ctx, servers, config, 500*time.Millisecond, "s1:")
	if err != nil {
		return nil, err
	}
	for _, s := range c.servers {
		if err := s.ping(ctx, c.until(ctx)); err != nil {
			return nil, errors.Join(c.fail(ctx, "open: "+s.addr, err), c.close())
		}
	}
	return &Store{c, maphash.MakeSeed()}, nil
}

// Close closes all connections. Every call that comes later fails with an error that matches [store.ErrUnavailable].
func (s *Store) Close() error { return s.c.close() }

// Load implements [store.Store], in one round trip. A record that was damaged is lost as one that was evicted: it is
// [store.ErrNotFound].
func (s *Store) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, s.c.fail(ctx, "load", err)
	}
	r, t, err := s.read(ctx, s.c.until(ctx), id)
	if err != nil {
		return nil, s.c.fail(ctx, "load", err)
	}
	if r == nil {
		return nil, store.ErrNotFound
	}
	r.Tag = s.tag(t, r.Version, r.User)
	return r, nil
}

// tag hides the version and the user in a ticket, so that a record with another Version or User than it was read with has
// the ticket of nothing: a Save then looks at what there is. It is its own inverse. A tag of zero is none.
func (s *Store) tag(ticket uint64, version int64, user string) uint64 {
	if ticket == 0 {
		return 0
	}
	n := uint64(version)
	if user != "" {
		n ^= maphash.String(s.seed, user)
	}
	return ticket ^ mix(n)
}

// read returns the record of id and a ticket for it, or nil.
func (s *Store) read(ctx context.Context, until time.Time, id store.ID) (*store.Record, uint64, error) {
	key := s.c.key(id)
	it, dials, err := s.c.pick(id).get(ctx, until, key)
	if errors.Is(err, memcache.ErrCacheMiss) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	return decodeRecord(key, id, it.Value), ticket(it.CasID, dials), nil
}

// Create implements [store.Store], in one round trip. It forgets removed records: their ids may be used again.
func (s *Store) Create(ctx context.Context, r *store.Record) error {
	if err := ctx.Err(); err != nil {
		return s.c.fail(ctx, "create", err)
	}
	n := *r
	n.Version = 1
	it, err := s.item(&n)
	if err != nil {
		return err
	}
	err = s.c.pick(r.ID).add(ctx, s.c.until(ctx), it, false)
	if errors.Is(err, memcache.ErrNotStored) {
		return store.ErrExists
	}
	if err != nil {
		return s.c.fail(ctx, "create", err)
	}
	r.Version, r.Tag = 1, 0
	return nil
}

// Save implements [store.Store], in one round trip if r comes from Load and nobody has changed the record since, else in
// up to three.
func (s *Store) Save(ctx context.Context, r *store.Record) error {
	n := *r
	n.Version++
	err := s.replace(ctx, "save", r, &n, func(was *store.Record) bool {
		return was.Version == r.Version && (was.User == "" || was.User == r.User)
	})
	if err == nil {
		r.Version, r.Tag = n.Version, 0
	}
	return err
}

// Touch implements [store.Store], in as many round trips as Save. A record that comes from Load is written as it is in r,
// so r must not have changed.
func (s *Store) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	touch := func(r *store.Record) {
		r.LastSeen, r.ExpiresAt, r.IP, r.UserAgent = t.LastSeen, t.ExpiresAt, t.IP, t.UserAgent
	}
	n := *r
	touch(&n)
	err := s.replace(ctx, "touch", r, &n, func(was *store.Record) bool {
		if was.Version != r.Version || !was.LastSeen.Equal(r.LastSeen.Truncate(time.Microsecond)) {
			return false
		}
		n = *was
		touch(&n)
		return true
	})
	if err == nil {
		touch(r)
		r.Tag = 0
	}
	return err
}

// maxTries bounds how often a Save looks again because touches came in between.
const maxTries = 100

// replace puts n in the place of r: by r's ticket, or by that of what there is, if it is good for that. good may change n.
func (s *Store) replace(ctx context.Context, op string, r, n *store.Record, good func(was *store.Record) bool) error {
	if err := ctx.Err(); err != nil {
		return s.c.fail(ctx, op, err)
	}
	it, err := s.item(n)
	if err != nil {
		return err
	}
	server, until := s.c.pick(r.ID), s.c.until(ctx)
	t := s.tag(r.Tag, r.Version, r.User)
	anonymous := s.tag(r.Tag, r.Version, "") // if r had no user when it was read
	for range maxTries {
		if t != 0 {
			err := server.cas(ctx, until, it, t)
			if err == nil {
				return nil
			}
			if errors.Is(err, memcache.ErrCacheMiss) {
				return store.ErrConflict
			}
			if !errors.Is(err, memcache.ErrCASConflict) && !errors.Is(err, errNoConn) {
				return s.c.fail(ctx, op, err)
			}
			// Almost every ticket of nothing is of no connection, which costs no round trip.
			if errors.Is(err, errNoConn) && anonymous != t && anonymous != 0 {
				t, anonymous = anonymous, 0
				continue
			}
		}
		var was *store.Record
		if was, t, err = s.read(ctx, until, r.ID); err != nil {
			return s.c.fail(ctx, op, err)
		}
		if was == nil || !good(was) {
			return store.ErrConflict
		}
		if it, err = s.item(n); err != nil {
			return err
		}
		if t == 0 {
			return s.c.fail(ctx, op, errNoCAS)
		}
	}
	return s.c.fail(ctx, op, errTries)
}

// grace is for how long a record is kept after its end, at least a minute. Server and client round to seconds.
const (
	grace   = 63 * time.Second
	century = 100 * 365 * 24 * time.Hour
)

// item returns the item of r.
func (s *Store) item(r *store.Record) (*memcache.Item, error) {
	if len(r.User) > store.MaxUser || len(r.UserAgent) > store.MaxUserAgent || len(r.Secret) > store.MaxSecret || len(r.Data) > s.c.maxSize {
		return nil, store.ErrTooLarge
	}
	key, now := s.c.key(r.ID), time.Now()
	b := encodeRecord(key, r)
	if len(b) > s.c.maxSize {
		return nil, store.ErrTooLarge
	}
	return &memcache.Item{Key: key, Value: b, Expiration: expiration(min(max(r.ExpiresAt.Sub(now), 0), century)+grace, now)}, nil
}

// Delete implements [store.Store], in one round trip for each id, sixteen at a time.
func (s *Store) Delete(ctx context.Context, ids ...store.ID) error { return s.c.remove(ctx, ids) }
