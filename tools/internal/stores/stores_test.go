package stores_test

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"testing"

	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/tools/internal/stores"
	"github.com/qsessions/qsessions/tools/internal/stores/storestest"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }

func TestOpen(t *testing.T) {
	t.Parallel()
	storestest.Each(t, func(t *testing.T, address string) {
		for range 2 {
			s, err := stores.Open(t.Context(), address, sqlxstore.Config{})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Migrate(t.Context()); err != nil {
				t.Error(err)
			}
			if _, err := s.Load(t.Context(), store.ID{1}); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("got %v, want ErrNotFound", err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		s, err := stores.OpenExisting(t.Context(), address, sqlxstore.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestOpenMissing(t *testing.T) {
	t.Parallel()
	address := storestest.SQLite(t)
	if _, err := stores.OpenExisting(t.Context(), address, sqlxstore.Config{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	if _, err := os.Stat(strings.TrimPrefix(address, "sqlite:")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file was made: %v", err)
	}
}

// TestRefused wants what a server says to a wrong user without the password, plain or full of special characters.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, server := range []struct {
		name    string
		address func(testing.TB) string
		options string
	}{
		{"PostgreSQL", storestest.Postgres, "sslmode=disable"}, {"MariaDB", storestest.MariaDB, ""},
	} {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(server.address(t))
			if err != nil {
				t.Fatal(err)
			}
			u.RawQuery, u.Path = server.options, "/not_there"
			for _, password := range []string{"hunter2hunter2", "hunter2:/@?#%hunter2"} {
				u.User = url.UserPassword("nobody_we_know", password)
				_, err := stores.Open(t.Context(), u.String(), sqlxstore.Config{})
				if err == nil {
					t.Fatal("there is no such user and no such database, but no error")
				}
				if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("the error has the password: %v", err)
				}
			}
		})
	}
}

// TestWithoutTLS wants the cure in the error of those who meet it first.
func TestWithoutTLS(t *testing.T) {
	t.Parallel()
	address, _, found := strings.Cut(storestest.Postgres(t), "?sslmode=disable")
	if !found {
		t.Skip("the PostgreSQL of the environment has TLS, or its address has other options")
	}
	s, err := stores.Open(t.Context(), address, sqlxstore.Config{})
	if err == nil {
		s.Close()
		t.Skip("the PostgreSQL of the environment has TLS")
	}
	if !strings.Contains(err.Error(), "?sslmode=disable") {
		t.Errorf("got %v", err)
	}
}
