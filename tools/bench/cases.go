package bench

import (
	"context"
	"net/http"
	"time"

	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/tools/bench/stores"
)

// parallel is the other number of workers, beside one.
const parallel = stores.Connections

// Cases returns what is measured on s. They need ctx to the end, and s for themselves.
func Cases(ctx context.Context, s *stores.Store) ([]Case, error) {
	t, err := newSite(s)
	if err != nil {
		return nil, err
	}
	anonymous, known := make([]*http.Request, parallel), make([]*http.Request, parallel)
	rows := make([]*store.Record, parallel)
	for i := range parallel {
		token, _, err := t.login(ctx)
		if err != nil {
			return nil, err
		}
		anonymous[i], known[i] = newRequest(ctx, ""), newRequest(ctx, token)
		_, id, err := t.login(ctx)
		if err != nil {
			return nil, err
		}
		if rows[i], err = s.Load(ctx, id); err != nil {
			return nil, err
		}
	}
	bare := serve(t.bare, known)
	kinds := []Case{
		{Name: "untouched, no cookie", Floor: serve(t.bare, anonymous), Subject: serve(t.untouched, anonymous)},
		{Name: "untouched, cookie", Floor: bare, Subject: serve(t.untouched, known), Target: Target{Above: 600 * time.Nanosecond, More: 5}},
		{Name: "read 1 key", Floor: bare, Subject: serve(t.read, known), Target: Target{Time: 3 * time.Microsecond, Allocs: 30}},
		{Name: "modify 1 key", Floor: bare, Subject: serve(t.modify, known)},
		{Name: "create (login)", Floor: bare, Subject: serve(t.createAll, anonymous)},
	}
	if s.Raw != nil {
		r, err := newRaw(ctx, s, rows)
		if err != nil {
			return nil, err
		}
		kinds = kinds[2:] // the others never reach a store
		kinds[0].Floor, kinds[0].Target = r.read, Target{Ratio: 1.3}
		kinds[1].Floor, kinds[1].Target = r.modify, Target{Ratio: 1.3}
		kinds[2].Floor = r.create
		both := kinds[1]
		both.Name, both.Floor, both.Target = "modify 1 key, over both", r.readAndModify, Target{}
		kinds = append(kinds, both)
	}
	cases := make([]Case, 0, 2*len(kinds))
	for _, c := range kinds {
		c.Store, c.Workers = s.String(), 1
		cases = append(cases, c)
		c.Workers, c.Target = parallel, Target{Ratio: c.Target.Ratio}
		cases = append(cases, c)
	}
	return cases, nil
}
