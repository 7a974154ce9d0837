package pages_test

import (
	"os"
	"testing"

	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/tools/bench"
	"github.com/qsessions/qsessions/tools/bench/pages"
	"github.com/qsessions/qsessions/tools/bench/stores"
	"github.com/qsessions/qsessions/tools/bench/stores/benchtest"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }

// TestCases is what `measure pages` does, with few sessions: each case finds the sessions of a page. Times are those of a
// busy machine here.
func TestCases(t *testing.T) {
	t.Parallel()
	for _, name := range []string{stores.SQLite, stores.Postgres, stores.MariaDB} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := benchtest.Open(t, name)
			if err := pages.Fill(t.Context(), s, 2_000, 100); err != nil {
				t.Fatal(err)
			}
			cases, err := pages.Cases(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range cases {
				m, err := bench.NewMeter(c)
				if err != nil {
					t.Fatalf("%s: %v", c.Name, err)
				}
				if err := m.Round(); err != nil {
					t.Fatalf("%s: %v", c.Name, err)
				}
				if r := m.Result(); r.Ratio <= 0 {
					t.Errorf("%s: %+v: nothing was measured", c.Name, r)
				}
			}
		})
	}
}
