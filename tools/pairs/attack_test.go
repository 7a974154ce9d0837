package pairs

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/tools/bench/caches"
	"github.com/qsessions/qsessions/tools/bench/caches/cachestest"
	"github.com/qsessions/qsessions/tools/bench/stores"
	"github.com/qsessions/qsessions/tools/bench/stores/benchtest"
)

const (
	namespace = "shop"
	topLevel  = 9
)

// A site is an application: a database behind a cache that others can write to, and its sessions.
type site struct {
	*testing.T
	db       store.Indexed
	front    *cacheddb.Store
	sessions *session.Manager
}

func newSite(t *testing.T, c *caches.Cache, db store.Indexed, config cacheddb.Config) *site {
	t.Helper()
	s := &site{T: t, db: db}
	s.must(func() (err error) {
		config.Timeout = 5 * time.Second
		if s.front, err = cacheddb.New(connect(t, c), db, config); err != nil {
			return err
		}
		s.sessions, err = session.New(s.front, session.Config{Header: "Session"})
		return err
	}())
	return s
}

func connect(t *testing.T, c *caches.Cache) store.Cache {
	t.Helper()
	cache, end, err := c.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	return cache
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// request is one with a token. It returns that of the response, or else the one that it had.
func (s *site) request(token string, do func(ctx context.Context, v session.Session)) string {
	s.Helper()
	ctx, _ := s.sessions.Start(s.Context(), session.Client{}, token)
	defer s.sessions.Close(ctx)
	v, err := s.sessions.From(ctx)
	s.must(err)
	do(ctx, v)
	effect, err := s.sessions.Commit(ctx)
	s.must(err)
	if effect.Name == "Session" {
		token = effect.Value
	}
	return token
}

// login returns the token and the id of a new session, whose copy is in the cache.
func (s *site) login(user string, level int) (token string, id store.ID) {
	s.Helper()
	token = s.request("", func(_ context.Context, v session.Session) { v.Login(user, session.Level(level)) })
	for range 2 {
		s.request(token, func(_ context.Context, v session.Session) { id = v.ID() })
	}
	if s.front.Stats().Hits == 0 {
		s.Fatal("there is no copy in the cache")
	}
	return token, id
}

const note session.Key[string] = "note"

// rows are all records of the database.
func (s *site) rows() map[store.ID]string {
	s.Helper()
	all := make(map[store.ID]string)
	for r, err := range s.db.List(s.Context(), store.Query{Data: true}) {
		s.must(err)
		full, err := s.db.Load(s.Context(), r.ID)
		s.must(err)
		full.Tag = 0
		all[r.ID] = fmt.Sprintf("%+v", full)
	}
	return all
}

// plant puts a copy into a slot, as anyone who can write to the cache does.
func (s *site) plant(cache store.Cache, id store.ID, copy []byte) {
	s.Helper()
	s.must(cache.Delete(s.Context(), id))
	_, ticket, err := cache.Get(s.Context(), id)
	s.must(err)
	s.must(cache.Put(s.Context(), id, ticket, copy, time.Hour))
}

func (s *site) copyOf(cache store.Cache, id store.ID) []byte {
	s.Helper()
	b := s.found(cache, id)
	if b == nil {
		s.Fatal("there is no copy in the cache")
	}
	return b
}

// found returns the copy in the cache, or nil.
func (s *site) found(cache store.Cache, id store.ID) []byte {
	s.Helper()
	b, _, err := cache.Get(s.Context(), id)
	s.must(err)
	return bytes.Clone(b)
}

// becomes presents a token of the attacker's: it must get nowhere beyond user, and leave nothing in the database.
func (s *site) becomes(what, token, user string) {
	s.Helper()
	before := s.rows()
	s.request(token, func(ctx context.Context, v session.Session) {
		if v.User() != user || v.Info().Level >= topLevel {
			s.Errorf("%s: got user %q of level %d, want %q", what, v.User(), v.Info().Level, user)
		}
		for _, r := range []session.Requirement{{Level: topLevel}, {Level: 2}, {MaxAge: time.Hour, Level: topLevel}} {
			if _, err := s.sessions.Require(ctx, r); !errors.Is(err, session.ErrUnauthenticated) && !errors.Is(err, session.ErrStale) {
				s.Errorf("%s: %+v: got %v", what, r, err)
			}
		}
	})
	if after := s.rows(); !maps.Equal(before, after) {
		s.Errorf("%s: the database has changed:\n%v\n%v", what, before, after)
	}
}

// saves does the same with a request that writes.
func (s *site) saves(what, token, user string) {
	s.Helper()
	before := s.rows()
	s.request(token, func(_ context.Context, v session.Session) { note.Set(v, what) })
	for r, err := range s.db.List(s.Context(), store.Query{}) {
		s.must(err)
		if _, old := before[r.ID]; r.User == "admin" && !old || !old && r.User != "" {
			s.Errorf("%s, and a save: the database has a new session of %q", what, r.User)
		}
	}
	s.request(token, func(_ context.Context, v session.Session) {
		if v.User() != user || v.Info().Level >= topLevel {
			s.Errorf("%s, after a save: got user %q of level %d, want %q", what, v.User(), v.Info().Level, user)
		}
	})
}

// checksummed is the copy of r that needs no key.
func checksummed(r *store.Record) []byte {
	b := binary.BigEndian.AppendUint64([]byte{1, 0, 0, 0, 0}, uint64(time.Now().Add(time.Minute).UnixMicro()))
	b = store.AppendRecord(b, r)
	table := crc32.MakeTable(crc32.Castagnoli)
	binary.BigEndian.PutUint32(b[1:], crc32.Update(crc32.Update(0, table, []byte("\x01"+namespace)), table, b[5:]))
	return b
}

// borrowed is a database with the key of another one.
type borrowed struct {
	*memory.Store
	keeper store.Keeper
}

func (b borrowed) Key(ctx context.Context, name string) ([]byte, error) {
	return b.keeper.Key(ctx, name)
}

func onEach(t *testing.T, f func(t *testing.T, c *caches.Cache, db store.Indexed)) {
	t.Parallel()
	for _, cache := range exact[:2] {
		for _, name := range []string{stores.SQLite, stores.Postgres} {
			t.Run(cache+" and "+name, func(t *testing.T) {
				t.Parallel()
				f(t, cachestest.Open(t, cache), benchtest.Open(t, name))
			})
		}
	}
}

// TestHostileCache: ATK-1. Anyone who can read and write the cache, and knows all of this code, becomes nobody: no copy that is
// forged, altered or put elsewhere is used, and none of it gets into the database.
func TestHostileCache(t *testing.T) {
	onEach(t, func(t *testing.T, c *caches.Cache, db store.Indexed) {
		s := newSite(t, c, db, cacheddb.Config{Namespace: namespace})
		hostile := connect(t, c)
		_, adminID := s.login("admin", topLevel)

		// A session that never existed, of a deployment of the attacker's own that uses the same cache.
		for what, config := range map[string]cacheddb.Config{
			"forged with a checksum": {Namespace: namespace, Unauthenticated: true},
			"of another deployment":  {Namespace: namespace},
			"encrypted by a key":     {Namespace: namespace, Keys: [][]byte{bytes.Repeat([]byte{1}, 32)}},
		} {
			own := newSite(t, c, new(memory.Store), config)
			token, id := own.login("admin", topLevel)
			forged := s.copyOf(hostile, id)
			s.becomes(what, token, "")
			s.plant(hostile, id, forged)
			s.saves(what, token, "")
		}
		other := newSite(t, c, borrowed{new(memory.Store), db.(store.Keeper)}, cacheddb.Config{Namespace: "another"})
		token, id := other.login("admin", topLevel)
		forged := s.copyOf(hostile, id)
		s.becomes("of another namespace", token, "")
		s.plant(hostile, id, forged)
		s.saves("of another namespace", token, "")

		// The attacker's own session, with another copy.
		for _, what := range []string{"altered", "altered, with a checksum", "the admin's copy", "prolonged"} {
			token, id := s.login("eve", 1)
			r, err := s.db.Load(t.Context(), id)
			s.must(err)
			admin := r.Clone()
			admin.User = "admin"
			genuine := s.copyOf(hostile, id)
			at := bytes.Index(genuine, store.AppendRecord(nil, r))
			if at < 0 {
				t.Fatal("the copy does not show the record")
			}
			altered := map[string][]byte{
				"altered":                  store.AppendRecord(slices.Clone(genuine[:at]), admin),
				"altered, with a checksum": checksummed(admin),
				"the admin's copy":         s.copyOf(hostile, adminID),
				"prolonged":                slices.Clone(genuine),
			}[what]
			if what == "prolonged" {
				altered[at-1]++
			}
			bad := s.front.Stats().Bad
			s.plant(hostile, id, altered)
			s.becomes(what, token, "eve")
			if s.front.Stats().Bad == bad {
				t.Errorf("%s: the copy was not refused", what)
			}
			s.plant(hostile, id, altered)
			s.saves(what, token, "eve")
			if r, err := s.db.Load(t.Context(), id); err != nil || r.User != "eve" {
				t.Errorf("%s: the record is %+v, %v", what, r, err)
			}
		}
	})
}

// TestReplayedCopy: ATK-4. A genuine old copy that is put back after its session was revoked is accepted no longer than
// Freshness and Skew, never by an authoritative load, and saves nothing.
func TestReplayedCopy(t *testing.T) {
	const freshness, skew = 700 * time.Millisecond, 50 * time.Millisecond
	onEach(t, func(t *testing.T, c *caches.Cache, db store.Indexed) {
		s := newSite(t, c, db, cacheddb.Config{Namespace: namespace, Freshness: freshness, Skew: skew})
		hostile := connect(t, c)
		var token string
		var id store.ID
		for range 20 { // until it is quick enough for a busy machine
			token, id = s.login("ann", 2)
			began := time.Now()
			genuine := s.found(hostile, id)
			if genuine == nil { // it has ended on a machine that was too busy
				continue
			}
			s.must(s.sessions.Revoke(t.Context(), "ann", id))
			revoked := time.Now()
			s.plant(hostile, id, genuine)
			accepted := false
			s.request(token, func(_ context.Context, v session.Session) { accepted = v.User() == "ann" })
			if !accepted && time.Since(began) < freshness/4 {
				t.Error("a genuine copy that is put back is not accepted: the documentation says that it is")
			}
			if !accepted {
				continue
			}
			before := s.rows()
			for {
				ctx, _ := s.sessions.Start(t.Context(), session.Client{}, token)
				if _, err := s.sessions.Require(ctx, session.Requirement{MaxAge: time.Hour}); !errors.Is(err, session.ErrUnauthenticated) {
					t.Fatalf("an authoritative load: got %v, want %v", err, session.ErrUnauthenticated)
				}
				s.sessions.Close(ctx)
				s.plant(hostile, id, genuine)
				asked := time.Now()
				s.request(token, func(_ context.Context, v session.Session) { accepted = v.User() != "" })
				if !accepted {
					break
				}
				if took := asked.Sub(revoked); took > freshness+skew {
					t.Fatalf("the copy is accepted %v after the revocation, want at most %v", took, freshness+skew)
				}
			}
			if _, err := s.db.Load(t.Context(), id); !errors.Is(err, store.ErrNotFound) || !maps.Equal(before, s.rows()) {
				t.Errorf("the session is back in the database: %v", err)
			}
			return
		}
		t.Error("the machine is too busy: no copy was accepted in time")
	})
}
