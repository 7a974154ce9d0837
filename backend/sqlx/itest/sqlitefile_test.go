package itest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/qsessions/qsessions/backend/sqlx"
)

func sqliteDrivers() []string {
	drivers := []string{"sqlite"}
	for _, g := range mattnTargets {
		drivers = append(drivers, g.driver)
	}
	return drivers
}

// modes returns the permissions of the files in dir.
func modes(t *testing.T, dir string) map[string]fs.FileMode {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]fs.FileMode{}
	for _, e := range entries {
		info, err := os.Stat(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = info.Mode().Perm()
	}
	return all
}

// TestSQLiteFile: ATK-19. The files of a database are for their owner alone, in every form of the DSN. A file that is there keeps
// its mode.
func TestSQLiteFile(t *testing.T) {
	for _, driver := range sqliteDrivers() {
		for name, k := range map[string]struct {
			dsn  string // DIR is the directory
			file string
		}{
			"path":             {"DIR/a.db", "a.db"},
			"path and options": {"DIR/a.db?_txlock=immediate", "a.db"},
			"odd characters":   {"DIR/a b%23#c.db", "a b%23#c.db"},
			"relative":         {"a.db", "a.db"},
			"relative, dots":   {"./sub/../a.db", "a.db"},
			"URI":              {"file:DIR/a.db", "a.db"},
			"URI, relative":    {"file:a.db", "a.db"},
			"URI, authority":   {"file://DIR/a.db", "a.db"},
			"URI, localhost":   {"file://localhostDIR/a.db", "a.db"},
			"URI, escapes":     {"file:DIR/a%20b%3Fc%23.db?mode=rwc", "a b?c#.db"},
			"URI, options":     {"file:DIR/a.db?mode=rwc&cache=private", "a.db"},
			"link":             {"DIR/link", "a.db"},
			"link to a link":   {"DIR/link2", "a.db"},
			"no log":           {"DIR/a.db?_journal=DELETE&_pragma=journal_mode(DELETE)", "a.db"},
			"kept journal":     {"DIR/a.db?_journal=PERSIST&_pragma=journal_mode(PERSIST)", "a.db"},
		} {
			t.Run(driver+"/"+name, func(t *testing.T) {
				dir := t.TempDir()
				t.Chdir(dir)
				if err := os.Mkdir("sub", 0o755); err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(name, "link") {
					for link, to := range map[string]string{"link": "a.db", "link2": filepath.Join(dir, "link")} {
						if err := os.Symlink(to, link); err != nil {
							t.Fatal(err)
						}
					}
				}
				if k.dsn == "file:a.db" || !strings.Contains(k.dsn, "DIR") {
					dir = "." // as the DSN has it
				}
				s := migrated(t, driver, strings.ReplaceAll(k.dsn, "DIR", dir), sqlxstore.Config{})
				create(t, s, session("ann"))
				all := modes(t, dir)
				delete(all, "sub")
				if _, ok := all[k.file]; !ok {
					t.Errorf("%q is not there: %v", k.file, all)
				}
				for file, mode := range all {
					if mode != 0o600 {
						t.Errorf("%s has mode %v", file, mode)
					}
					if strings.Contains(file, ".new") {
						t.Errorf("%s is left", file)
					}
				}
				if len(all) < 2 && name != "no log" {
					t.Errorf("got %v, want the log or the journal too", all)
				}
			})
		}
		t.Run(driver+"/there already", func(t *testing.T) {
			path := sqlite(t)
			if err := os.WriteFile(path, nil, 0o640); err != nil {
				t.Fatal(err)
			}
			migrated(t, driver, path, sqlxstore.Config{})
			if mode := modes(t, filepath.Dir(path))[filepath.Base(path)]; mode != 0o640 {
				t.Errorf("got mode %v", mode)
			}
		})
		t.Run(driver+"/at once", func(t *testing.T) {
			path := sqlite(t)
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					s, err := sqlxstore.Open(t.Context(), driver, path, sqlxstore.Config{})
					if err != nil {
						t.Error(err)
						return
					}
					defer s.Close()
					if err := s.Migrate(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			for file, mode := range modes(t, filepath.Dir(path)) {
				if mode != 0o600 {
					t.Errorf("%s has mode %v", file, mode)
				}
			}
		})
	}
}

// TestSQLitePath: ATK-19. A file that is not to be created is not, and what is wrong with a path is said with its name.
func TestSQLitePath(t *testing.T) {
	for _, driver := range sqliteDrivers() {
		for _, k := range []struct {
			name, dsn, want string // DIR is the directory
		}{
			{"no directory", "DIR/none/a.db", "there is no directory DIR/none"},
			{"no directory, URI", "file:DIR/none/a%20b.db", "there is no directory DIR/none"},
			{"no directory, to read", "file:DIR/none/a.db?mode=ro", "there is no directory DIR/none"},
			{"a file for a directory", "DIR/plain/a.db", "there is no directory DIR/plain"},
			{"a directory", "DIR/sub", "DIR/sub is a directory"},
			{"to read", "file:DIR/a.db?mode=ro", "DIR/a.db cannot be opened or created: no such file"},
			{"to write", "file:DIR/a.db?mode=rw", "DIR/a.db cannot be opened or created: no such file"},
			{"immutable", "file:DIR/a.db?immutable=1", "DIR/a.db cannot be opened or created: no such file"},
			{"no such file system", "/proc/qsessions.db", "/proc/qsessions.db cannot be opened or created"},
			{"a link to itself", "DIR/loop", "DIR/loop cannot be opened or created"},
		} {
			t.Run(driver+"/"+k.name, func(t *testing.T) {
				dir := t.TempDir()
				for _, err := range []error{os.Mkdir(dir+"/sub", 0o755), os.WriteFile(dir+"/plain", nil, 0o600), os.Symlink("loop", dir+"/loop")} {
					if err != nil {
						t.Fatal(err)
					}
				}
				s, err := sqlxstore.Open(t.Context(), driver, strings.ReplaceAll(k.dsn, "DIR", dir), sqlxstore.Config{})
				if err == nil {
					s.Close()
				}
				if want := strings.ReplaceAll(k.want, "DIR", dir); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "memory") {
					t.Errorf("got %v, want %s", err, want)
				}
				if entries, err := os.ReadDir(dir); err != nil || len(entries) != 3 {
					t.Errorf("there is %v, %v", entries, err)
				}
			})
		}
		t.Run(driver+"/there, to read", func(t *testing.T) {
			path := sqlite(t)
			migrated(t, driver, path, sqlxstore.Config{})
			s := open(t, driver, "file:"+path+"?mode=ro", sqlxstore.Config{})
			if err := s.Migrate(t.Context()); err != nil {
				t.Error(err)
			}
			if err := s.Create(t.Context(), session("ann")); err == nil {
				t.Error("a file that is opened to read was written")
			}
		})
	}
}
