package itest

import (
	"errors"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
)

// TestNoUser: RPT-12. A user whom the table of users lacks is store.ErrNoUser, and nothing else is, with every driver, with and
// without prepared statements: on Create, and on the Save that signs a guest in.
func TestNoUser(t *testing.T) {
	drivers := append([]target{{name: "pgx", driver: "pgx", dsn: postgres}}, append(kinds, mattnTargets...)...)
	values := map[sqlxstore.UserType][3]string{asText: {"'ann'", "ann", "nosuchbob"}, asInteger: {"1", "1", "29384756"}}
	columns := map[sqlxstore.UserType]string{asText: "VARCHAR(64)", asInteger: "INT"}
	for _, g := range drivers {
		for _, kind := range []sqlxstore.UserType{asText, asInteger} {
			for _, noPrepare := range []bool{false, true} {
				t.Run(g.name+"/"+typeNames[kind]+map[bool]string{true: "/direct", false: ""}[noPrepare], func(t *testing.T) {
					t.Parallel()
					dsn := g.dsn(t)
					v := values[kind]
					run(t, pool(t, g.driver, dsn), "CREATE TABLE users (id "+columns[kind]+" PRIMARY KEY)", "INSERT INTO users VALUES ("+v[0]+")")
					s := migrated(t, g.driver, dsn, sqlxstore.Config{NoPrepare: noPrepare, User: sqlxstore.UserColumn{Type: kind, References: "users(id)"}})
					guest, known := session(""), session(v[1])
					create(t, s, guest, known)

					noUser := func(op string, err error) {
						t.Helper()
						if !errors.Is(err, store.ErrNoUser) {
							t.Errorf("%s: got %v, want %v", op, err, store.ErrNoUser)
							return
						}
						for _, other := range []error{store.ErrUnavailable, store.ErrConflict, store.ErrExists, store.ErrTooLarge, store.ErrNotFound} {
							if errors.Is(err, other) {
								t.Errorf("%s: %v is also %v", op, err, other)
							}
						}
						if strings.Contains(err.Error(), v[2]) {
							t.Errorf("%s: the error has the user: %v", op, err)
						}
					}
					unknown := session(v[2])
					noUser("Create", s.Create(t.Context(), unknown))
					if _, err := s.Load(t.Context(), unknown.ID); !errors.Is(err, store.ErrNotFound) {
						t.Errorf("after a Create that was refused: %v", err)
					}
					before := guest.Clone()
					guest.User, guest.AuthenticatedAt = v[2], guest.CreatedAt
					noUser("Save", s.Save(t.Context(), guest))
					if got, err := s.Load(t.Context(), guest.ID); err != nil || got.User != "" || got.Version != before.Version || guest.Version != before.Version {
						t.Errorf("after a Save that was refused: %+v, %v", got, err)
					}
					// The same record for a user who is there is stored.
					guest.User = v[1]
					if err := s.Save(t.Context(), guest); err != nil {
						t.Errorf("Save for a user who is there: %v", err)
					}

					// What else goes wrong is not about users.
					stale := guest.Clone()
					stale.Version--
					if err := s.Save(t.Context(), stale); !errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNoUser) {
						t.Errorf("Save of an old version: %v", err)
					}
					if err := s.Create(t.Context(), known.Clone()); !errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrNoUser) {
						t.Errorf("Create of an ID that is there: %v", err)
					}
					large := session(v[1])
					large.Secret = make([]byte, store.MaxSecret+1)
					if err := s.Create(t.Context(), large); !errors.Is(err, store.ErrTooLarge) || errors.Is(err, store.ErrNoUser) {
						t.Errorf("Create of a record that is too large: %v", err)
					}
					if ids := listed(t, s, store.Query{User: v[2]}); len(ids) != 0 {
						t.Errorf("List of a user who is not there: %v", ids)
					}
				})
			}
		}
	}
}
