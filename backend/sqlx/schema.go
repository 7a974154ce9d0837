package sqlxstore

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"
)

// A Migration is one numbered change of the tables. None of them removes anything.
type Migration struct {
	Number    int
	Name      string
	SQL       string    // statements, each ended by a semicolon
	AppliedAt time.Time // zero: not yet
}

// Schema returns the migrations of a dialect as SQL, in order, for those who use a tool of their own; [Store.Migrate]
// needs no such call. It asks no server, so on MySQL a column with User.References has the type of c.User, which may not
// be exactly that of the column that it refers to.
func Schema(d Dialect, c Config) ([]Migration, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	data, err := dialectOf(d)
	if err != nil {
		return nil, err
	}
	if err := data.check(&c); err != nil {
		return nil, err
	}
	return data.migrations(&c, data.users[c.User.Type])
}

// migrations returns the files of the dialect, which are named by number and name, in order.
func (d *dialect) migrations(c *Config, userType string) ([]Migration, error) {
	found, err := fs.Glob(files, "schema/"+string(d.name)+"/*.sql")
	if err != nil {
		return nil, err
	}
	names := d.names(c)
	all := make([]Migration, 0, len(found))
	for i, file := range found {
		number, name, _ := strings.Cut(strings.TrimSuffix(path.Base(file), ".sql"), "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return nil, fmt.Errorf("sqlxstore: migration %s is out of order", file)
		}
		b, err := files.ReadFile(file)
		if err != nil {
			return nil, err
		}
		text := strings.ReplaceAll(names.Replace(string(b)), "{user_type}", userType)
		all = append(all, Migration{Number: i + 1, Name: name, SQL: strings.TrimSpace(text)})
	}
	return all, nil
}

// statements splits a migration where a semicolon ends a line.
func (m *Migration) statements() []string {
	return strings.Split(strings.TrimSuffix(m.SQL, ";"), ";\n")
}
