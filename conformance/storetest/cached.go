package storetest

import "github.com/qsessions/qsessions/core/store"

// Cases of a store that may answer from a copy. They write past the copies, by Fixture.Behind.
func cachedCases() []Case {
	cases := []Case{
		{Name: "cached/load-fresh", Why: "LoadFresh is Load without a copy: its answer is the database's.", run: func(e *env) {
			r := e.create(e.record())
			e.warm(r.ID)
			e.ok("Save behind the copies", e.behind(r, "behind"))
			if d := diff(e.get(r.ID), r); d != "" {
				e.Fatalf("LoadFresh: %s", d)
			}
		}},
		{Name: "cached/leaves-fresh", Why: "LoadFresh leaves the copy as fresh as its answer.", run: func(e *env) {
			r := e.create(e.record())
			e.warm(r.ID)
			e.ok("Save behind the copies", e.behind(r, "behind"))
			e.get(r.ID)
			got, err := e.s.Load(e.ctx, r.ID)
			e.ok("Load", err)
			if d := diff(got, r); d != "" {
				e.Fatalf("Load after a LoadFresh: %s", d)
			}
		}},
		{Name: "cached/load-fresh-missing", Why: "LoadFresh answers ErrNotFound, as Load does, and leaves no copy.", run: func(e *env) {
			r := e.create(e.record())
			e.warm(r.ID)
			e.ok("Delete behind the copies", e.f.Behind.Delete(e.ctx, r.ID))
			_, err := store.LoadFresh(e.ctx, e.s, r.ID)
			e.want("LoadFresh of a record that was removed behind the copies", err, store.ErrNotFound)
			e.gone(r.ID)
		}},
		{Name: "cached/no-copy-of-absence", Why: "That there is no record is never a copy's answer.", run: func(e *env) {
			r := e.record()
			for range 2 {
				_, err := e.s.Load(e.ctx, r.ID)
				e.want("Load before there is a record", err, store.ErrNotFound)
			}
			e.ok("Create behind the copies", e.f.Behind.Create(e.ctx, r))
			got, err := e.s.Load(e.ctx, r.ID)
			e.ok("Load", err)
			if d := diff(got, r); d != "" {
				e.Fatalf("Load: %s", d)
			}
		}},
		{Name: "cached/save-compares-database", Why: "Save replaces the record if its version is still r.Version, whatever a copy says.", run: func(e *env) {
			r := e.create(e.record())
			e.warm(r.ID)
			old := r.Clone()
			e.ok("Save behind the copies", e.behind(r, "behind"))
			old.Data = []byte("refused")
			e.want("Save of what a copy had", e.s.Save(e.ctx, old), store.ErrConflict)
			e.stored(r)
		}},
	}
	for i := range cases {
		cases[i].Needs |= NeedCached
	}
	return cases
}

// warm reads id, so that there is a copy of it if the store keeps any.
func (e *env) warm(id store.ID) {
	for range 2 {
		_, err := e.s.Load(e.ctx, id)
		e.ok("Load", err)
	}
}

// behind saves r past the copies.
func (e *env) behind(r *store.Record, data string) error {
	r.Data = []byte(data)
	return e.f.Behind.Save(e.ctx, r)
}
