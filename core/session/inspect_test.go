package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// TestInspect wants all fields of a session, also of one that has expired, and its values as they are stored; no enricher
// is asked.
func TestInspect(t *testing.T) {
	for name, keys := range map[string][][]byte{"plain": nil, "encrypted": {make([]byte, 32)}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := new(memory.Store)
				m := newManager(t, db, Config{Keys: keys})
				b := newBrowser(t, m)
				b.do(func(s Session) {
					s.Login("alice", Remember(), Level(3))
					Key[[]string]("cart").Set(s, []string{"pear"})
				})
				id := b.id()
				i, err := m.Inspect(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				if i.ID != id || i.User != "alice" || i.Level != 3 || !i.Remembered || i.Current || i.Location != (Location{}) ||
					!i.Deadline.Equal(i.CreatedAt.Add(m.Policy().RememberLifetime)) {
					t.Errorf("got %+v", i)
				}
				_, values, err := m.Values(t.Context(), id)
				if err != nil || len(values) != 1 || string(values["cart"]) != `["pear"]` {
					t.Errorf("got values %q, %v", values, err)
				}

				time.Sleep(365 * 24 * time.Hour)
				if i, err := m.Inspect(t.Context(), id); err != nil || i.ID != id {
					t.Errorf("expired: got %v, %v", i.ID, err)
				}
				r, err := db.Load(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				r.Data, r.Secret = []byte("\xffnonsense"), []byte("nonsense")
				if err := db.Save(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				if i, err := m.Inspect(t.Context(), id); err != nil || i.User != "alice" || i.Level != 0 {
					t.Errorf("corrupt: got %+v, %v", i, err)
				}
				if _, _, err := m.Values(t.Context(), id); !errors.Is(err, ErrCorrupt) {
					t.Errorf("corrupt: got %v, want ErrCorrupt", err)
				}
				for _, id := range []ID{{}, store.NewID(time.Now())} {
					if _, err := m.Inspect(t.Context(), id); !errors.Is(err, ErrNotFound) {
						t.Errorf("Inspect of none: got %v", err)
					}
					if _, _, err := m.Values(t.Context(), id); !errors.Is(err, ErrNotFound) {
						t.Errorf("Values of none: got %v", err)
					}
				}
			})
		})
	}
}

// TestScan wants what Find yields, without asking the enrichers; DescribeAll asks them.
func TestScan(t *testing.T) {
	asked := 0
	m := newManager(t, new(memory.Store), Config{Enrichers: []Enricher{
		EnricherFunc(func(context.Context, Client) (Facts, error) {
			asked++
			return Facts{Extra: map[string]string{"network": "AS64496"}}, nil
		}),
	}})
	signedIn(t, m, "alice", 2*describePage+1)
	found, err := Collect(m.Scan(t.Context(), Query{User: "alice"}))
	if err != nil || len(found) != 2*describePage+1 || asked != 0 {
		t.Fatalf("got %d sessions, %v, and the enricher was asked %d times", len(found), err, asked)
	}
	m.DescribeAll(t.Context(), found)
	for _, i := range found {
		if i.Extra["network"] != "AS64496" {
			t.Fatalf("got %+v", i)
		}
	}
	if want := 3; asked != want { // the clients of a page are the same one
		t.Errorf("the enricher was asked %d times, want %d", asked, want)
	}
}

// A deafCache stands for a cached store whose cache cannot be told anything.
type deafCache struct {
	*memory.Store
	deletes int
}

func (c *deafCache) LoadFresh(ctx context.Context, id ID) (*store.Record, error) {
	return c.Load(ctx, id)
}

func (c *deafCache) Delete(ctx context.Context, ids ...ID) error {
	c.deletes++
	if err := c.Store.Delete(ctx, ids...); err != nil {
		return err
	}
	return &store.PendingError{EffectiveBy: time.Unix(1e9, 0), Err: store.ErrUnavailable}
}

// TestRevokeForeignUnheard: SEC-16. Also while the cache is out, somebody else's session is like one that is not there.
func TestRevokeForeignUnheard(t *testing.T) {
	db := &deafCache{Store: new(memory.Store)}
	m := newManager(t, db, Config{})
	id := signedIn(t, m, "alice", 1)[0].id()
	foreign := m.Revoke(t.Context(), "eve", id)
	n := db.deletes
	missing := m.Revoke(t.Context(), "eve", store.NewID(time.Now()))
	if !errors.Is(foreign, ErrNotFound) || !errors.Is(missing, ErrNotFound) || foreign.Error() != missing.Error() || isPending(foreign) != isPending(missing) || n != db.deletes-n {
		t.Errorf("somebody else's: %v, %d calls; missing: %v, %d calls; want the same", foreign, n, missing, db.deletes-n)
	}
	if _, err := db.Load(t.Context(), id); err != nil {
		t.Errorf("the session is gone: %v", err)
	}
}
