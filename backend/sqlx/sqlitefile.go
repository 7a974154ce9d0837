package sqlxstore

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// sqlitePath returns the path of the database of a DSN in the file: form, as SQLite reads it, and whether SQLite would create the
// file. "" stands for one that is not known, as with a VFS of the application's.
func sqlitePath(dsn string) (path string, create bool) {
	file, options, _ := strings.Cut(strings.TrimPrefix(dsn, "file:"), "?")
	file, _, _ = strings.Cut(file, "#")
	query, err := url.ParseQuery(options)
	if err != nil || query.Get("vfs") != "" && !strings.HasPrefix(query.Get("vfs"), "unix") && !strings.HasPrefix(query.Get("vfs"), "win32") {
		return "", false
	}
	if host, found := strings.CutPrefix(file, "//"); found { // file:///path or file://localhost/path
		authority, rest, _ := strings.Cut(host, "/")
		if authority != "" && authority != "localhost" {
			return "", false // SQLite refuses it
		}
		file = "/" + rest
	}
	path = unescaped(file)
	path, _, _ = strings.Cut(path, "\x00")
	mode := query.Get("mode")
	return path, mode != "ro" && mode != "rw" && query.Get("immutable") == ""
}

// createSQLite creates the file of a database for its owner alone, unless it is there: its mode is then left alone. SQLite gives the
// log and the other files beside it the same mode. The umask is not touched, as it is the whole process's.
func createSQLite(path string) error {
	for range 40 {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		to, err := os.Readlink(path) // to a file that is not there yet
		if err != nil {
			return createEmpty(path)
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return errors.New("too many links")
}

// createEmpty closes the file before it gets its name: a process that closes a file loses all locks that it has on it, also those
// that another pool of this process has taken meanwhile.
func createEmpty(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := f.Close(); err != nil {
		return err
	}
	err = os.Link(f.Name(), path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // a file system without links
	if err == nil {
		return f.Close()
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// A fileError is about the path of a SQLite database.
type fileError struct{ text string }

func (e *fileError) Error() string { return "sqlxstore: open: " + e.text }

// prepareSQLite creates the file of dsn where SQLite would, and says what is wrong with its path: SQLite says "out of memory".
func prepareSQLite(dsn string) error {
	path, create := sqlitePath(dsn)
	if path == "" {
		return nil
	}
	shown := path
	if strings.Contains(unescaped(dsn), "@") || strings.ContainsAny(path, "&=") || strings.Contains(path, ":") && filepath.VolumeName(path) == "" { // it may be the DSN of another driver
		shown = "the file"
	}
	var err error
	if create {
		err = createSQLite(path)
	}
	info, statErr := os.Stat(path)
	directory, dirErr := os.Stat(filepath.Dir(path))
	switch {
	case statErr == nil && info.IsDir():
		return &fileError{shown + " is a directory, not a database"}
	case errors.Is(dirErr, fs.ErrNotExist), dirErr == nil && !directory.IsDir():
		if shown == path {
			return &fileError{"there is no directory " + filepath.Dir(path) + ": Open creates the file, and no directory"}
		}
		return &fileError{"there is no such directory"}
	case err == nil:
		err = statErr
	}
	if err != nil {
		return &fileError{shown + " cannot be opened or created: " + cause(err).Error()}
	}
	return nil
}

// cause returns err without its path.
func cause(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
