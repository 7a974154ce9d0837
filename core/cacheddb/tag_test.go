package cacheddb

import (
	"context"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// A taggingDB notes something in each record that it has seen, and remembers the notes that it is given.
type taggingDB struct {
	memory.Store
	got []uint64
}

const note = 77

func (d *taggingDB) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	r, err := d.Store.Load(ctx, id)
	if err == nil {
		r.Tag = note
	}
	return r, err
}

func (d *taggingDB) tag(r *store.Record, err error) error {
	d.got = append(d.got, r.Tag)
	if err == nil {
		r.Tag = note
	}
	return err
}

func (d *taggingDB) Create(ctx context.Context, r *store.Record) error {
	return d.tag(r, d.Store.Create(ctx, r))
}

func (d *taggingDB) Save(ctx context.Context, r *store.Record) error {
	return d.tag(r, d.Store.Save(ctx, r))
}

func (d *taggingDB) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	return d.tag(r, d.Store.Touch(ctx, r, t))
}

// What the database notes in a record is never taken for a ticket, and no ticket for such a note.
func TestTags(t *testing.T) {
	ctx, db, cache := t.Context(), new(taggingDB), new(faultyCache)
	s, err := New(cache, db, Config{Timeout: 5 * time.Second}) // whatever the machine does meanwhile
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	load := func(id store.ID) *store.Record {
		t.Helper()
		r, err := s.Load(ctx, id)
		must(err)
		return r
	}
	took := func(what string, put int) {
		t.Helper()
		if n := cache.took("Put", "Delete"); n[0] != put || n[1] != 1-put {
			t.Errorf("%s: got %d puts and %d deletes, want %d and %d", what, n[0], n[1], put, 1-put)
		}
	}
	r := record()
	must(s.Create(ctx, r))
	must(s.Save(ctx, r))
	took("save after create", 0)
	r = load(r.ID)
	cache.took()
	must(s.Save(ctx, r))
	took("save after a miss", 0)
	must(s.Save(ctx, r))
	took("save after a save", 0)
	load(r.ID)
	r = load(r.ID)
	cache.took()
	must(s.Touch(ctx, r, store.Touch{LastSeen: r.LastSeen.Add(time.Second), ExpiresAt: r.ExpiresAt}))
	took("touch after a hit", 1)
	must(s.Touch(ctx, r, store.Touch{LastSeen: r.LastSeen.Add(time.Second), ExpiresAt: r.ExpiresAt}))
	took("touch after a touch", 0)
	for _, tag := range db.got {
		if tag != 0 {
			t.Errorf("the database got the tags %v, want none", db.got)
			break
		}
	}
}
