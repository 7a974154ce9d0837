package itest

import (
	"testing"
	"time"

	"github.com/redis/rueidis"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/conformance/storetest"
	"github.com/qsessions/qsessions/core/store"
)

// TestStoreRoundTrips counts what the comment of Store says.
func TestStoreRoundTrips(t *testing.T) {
	for _, all := range []bool{false, true} {
		c := &counting{Client: client(t, redisURL(t))}
		s := storeOf(t, c, rueidisstore.Config{Prefix: prefix(), IndexAll: all})
		ctx := t.Context()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		warm := create(t, s, session("warm")) // the scripts are known now
		for _, what := range []string{"Touch", "Save", "Delete", "DeleteUser"} {
			must(everything(s, warm)[what](ctx))
		}
		deleteUser(t, s, "warm")

		want := func(what string, want int64, f func()) {
			t.Helper()
			if got := c.count(f); got != want {
				t.Errorf("IndexAll %t: %s: %d round trips, want %d", all, what, got, want)
			}
		}
		anonymous, bound := session(""), session("ann")
		n := int64(1)
		if all {
			n = 2
		}
		want("Create", n, func() { must(s.Create(ctx, anonymous)) })
		want("Create with a user", 2, func() { must(s.Create(ctx, bound)) })
		want("Load", 1, func() { _, err := s.Load(ctx, bound.ID); must(err) })
		want("Save", 1, func() { must(s.Save(ctx, bound)) })
		want("Save, anonymous", 1, func() { must(s.Save(ctx, anonymous)) })
		want("Touch", 1, func() { must(s.Touch(ctx, bound, touch(bound))) })
		want("Touch, anonymous", 1, func() { must(s.Touch(ctx, anonymous, touch(anonymous))) })
		anonymous.User, anonymous.AuthenticatedAt = "ann", anonymous.CreatedAt
		want("Save that binds", 2, func() { must(s.Save(ctx, anonymous)) })
		want("Save after that", 1, func() { must(s.Save(ctx, anonymous)) })
		want("Cutoff", 1, func() { _, err := s.Cutoff(ctx, "ann"); must(err) })
		want("List", 2, func() { listed(t, s, store.Query{User: "ann"}) })
		want("Delete", 1, func() { must(s.Delete(ctx, bound.ID)) })
		want("DeleteUser", 3, func() { deleteUser(t, s, "ann") })
		ids := created(t, s, "bob", 250)
		want("List of 250", 4, func() { listed(t, s, store.Query{User: "bob"}) })
		want("Delete of 150", 1, func() { must(s.Delete(ctx, ids[:150]...)) })
		want("DeleteUser of 250", 5, func() { deleteUser(t, s, "bob") })
		if all {
			created(t, s, "", 60)
			want("List of all, a page", 2, func() { listed(t, s, store.Query{Limit: 50}) })
		}
	}
}

func BenchmarkStoreContract(b *testing.B) { storetest.Bench(b, suite(redisURL(b))) }

// BenchmarkStore is what a store adds to the commands that it sends.
func BenchmarkStore(b *testing.B) {
	s, c := openStore(b, redisURL(b), rueidisstore.Config{}), client(b, redisURL(b))
	r := session("ann")
	r.Data = make([]byte, 512)
	create(b, s, r)
	value := rueidis.BinaryString(make([]byte, 700))
	key := prefix()
	command(b, c, "SET", key, value)
	ctx := b.Context()
	for name, f := range map[string]func() error{
		"Load":    func() error { _, err := s.Load(ctx, r.ID); return err },
		"raw GET": func() error { return c.Do(ctx, c.B().Get().Key(key).Build()).Error() },
		"Save":    func() error { return s.Save(ctx, r) },
		"Touch":   func() error { return s.Touch(ctx, r, touch(r)) },
		"raw SET": func() error {
			return c.Do(ctx, c.B().Set().Key(key).Value(value).Px(time.Hour).Build()).Error()
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
