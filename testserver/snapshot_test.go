package testserver

import "testing"

// TestSnapshot restores an old snapshot: what was written since is gone, what was deleted is back. A later restart is
// empty again, unless the server keeps its data.
func TestSnapshot(t *testing.T) {
	for name, row := range map[string]struct {
		args []string
		keep bool
	}{
		"volatile": {nil, false},
		"kept":     {[]string{"--save", "3600 1"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := own(t, KindRedis, Options{Args: row.args})
			do := func(want any, command ...string) {
				t.Helper()
				if got, err := s.do(t.Context(), command...); got != want || err != nil {
					t.Errorf("%v: got %v, %v, want %v", command, got, err, want)
				}
			}
			do("OK", "SET", "old", "1")
			snapshot, err := s.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			do("OK", "SET", "new", "1")
			do(int64(1), "DEL", "old")
			if err := s.Restore(t.Context(), snapshot); err != nil {
				t.Fatal(err)
			}
			do("1", "GET", "old")
			do(nil, "GET", "new")
			if err := s.Pause(); err != nil {
				t.Fatal(err)
			}
			if err := s.Restore(t.Context(), snapshot); err != nil {
				t.Fatal(err)
			}
			do("1", "GET", "old")
			do("OK", "SET", "last", "1")
			if err := s.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if row.keep {
				do("1", "GET", "last")
			} else {
				do(int64(0), "DBSIZE")
			}
		})
	}
}

// TestSnapshotOthers wants errors from servers without snapshots.
func TestSnapshotOthers(t *testing.T) {
	for _, kind := range []Kind{KindPostgres, KindMemcached} {
		s := shared.get(t, kind)
		if _, err := s.Snapshot(t.Context()); err == nil {
			t.Errorf("%s: Snapshot returns no error", kind)
		}
		if err := s.Restore(t.Context(), nil); err == nil {
			t.Errorf("%s: Restore returns no error", kind)
		}
	}
}
