package sqlxstore

import (
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"

	"github.com/qsessions/qsessions/core/store"
)

// A Dialect is the SQL of a database. The empty one stands for what the server says.
type Dialect string

// The dialects. MySQL is MariaDB's too.
const (
	Postgres Dialect = "postgres"
	MySQL    Dialect = "mysql"
	SQLite   Dialect = "sqlite"
)

// A dialect is what differs between databases.
type dialect struct {
	name       Dialect
	bind       int    // the form of placeholders, for sqlx
	quote      string // around names
	qualified  bool   // names may have a schema
	force      string // names the index that a query must use; "": it cannot be told
	forceID    string // the same for the primary key
	least      string // the function
	ids        string // the condition on a list of ids
	idArray    bool   // the list is one parameter
	integer    string // a 64-bit integer
	users      [UUIDBytes + 1]string
	textUUID   bool // ids are given in their text form
	maxData    int
	sweepBatch int    // how many rows one statement of Sweep forgets: SQLite has one writer, the others wait
	end        string // makes the server end the connection that it comes over, if that is older than so many milliseconds; "": there is none
	primary    string // a condition that fails, also where no row matches, on a server that accepts no writes
	classify   func(error) fault
}

var dialects = map[Dialect]*dialect{
	Postgres: {
		name: Postgres, bind: sqlx.DOLLAR, quote: `"`, qualified: true,
		least: "LEAST", ids: "= ANY(?::uuid[])", idArray: true, integer: "bigint",
		users:    [...]string{`text COLLATE "C"`, "bigint", "uuid", "bytea"},
		textUUID: true, maxData: 1 << 28, sweepBatch: 1000, classify: classifyPostgres,
		end: "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid() AND " +
			"backend_start < pg_catalog.clock_timestamp() - interval '%d ms'",
		primary: " AND 1 / (CASE current_setting('transaction_read_only') WHEN 'off' THEN 1 ELSE 0 END) = 1",
	},
	MySQL: {
		name: MySQL, bind: sqlx.QUESTION, quote: "`", qualified: true, force: " FORCE INDEX (%s)", forceID: " FORCE INDEX (PRIMARY)",
		least: "LEAST", ids: "IN (?)", integer: "BIGINT",
		users:   [...]string{"VARBINARY(255)", "BIGINT", "CHAR(36) CHARACTER SET ascii COLLATE ascii_bin", "BINARY(16)"},
		maxData: 1<<24 - 1, sweepBatch: 500, classify: classifyMySQL,
		primary: " AND 18446744073709551615 + (CONCAT(@@read_only) NOT IN ('0', 'OFF') OR @@innodb_read_only) > 0",
	},
	SQLite: {
		name: SQLite, bind: sqlx.QUESTION, quote: `"`, force: " INDEXED BY %s",
		least: "MIN", ids: "IN (?)", integer: "INTEGER",
		users:   [...]string{"TEXT", "INTEGER", "TEXT", "BLOB"},
		maxData: 1 << 28, sweepBatch: 200, classify: classifySQLite,
	},
}

func dialectOf(name Dialect) (*dialect, error) {
	d := dialects[name]
	if d == nil {
		return nil, fmt.Errorf("sqlxstore: unknown dialect %q", string(name))
	}
	return d, nil
}

// quoted returns a name of one or two parts, quoted.
func (d *dialect) quoted(name string) string {
	return d.quote + strings.ReplaceAll(name, ".", d.quote+"."+d.quote) + d.quote
}

// base returns a name without its schema.
func base(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// check refuses what c asks for and d does not have.
func (d *dialect) check(c *Config) error {
	table, _ := c.reference()
	if !d.qualified && strings.Contains(c.Table+c.CutoffTable+table, ".") {
		return fmt.Errorf("sqlxstore: %s has no schemas: table names must not have a dot", d.name)
	}
	return nil
}

// names returns what the placeholders in the files of SQL stand for.
func (d *dialect) names(c *Config) *strings.Replacer {
	index := func(suffix string) string { return d.quoted(base(c.Table) + suffix) }
	force := func(name string) string {
		if d.force == "" {
			return ""
		}
		return fmt.Sprintf(d.force, name)
	}
	foreign := ""
	if table, column := c.reference(); table != "" {
		foreign = fmt.Sprintf(",\n  FOREIGN KEY (user_id) REFERENCES %s (%s) ON DELETE CASCADE", d.quoted(table), d.quoted(column))
	}
	return strings.NewReplacer(
		"{table}", d.quoted(c.Table), "{cutoff}", d.quoted(c.CutoffTable), "{migrations}", d.quoted(c.Table+"_migrations"), "{keys}", d.quoted(c.Table+keysSuffix),
		"{user_index}", index("_user"), "{sweep_index}", index("_sweep"), "{ip_index}", index("_ip"),
		"{cutoff_index}", d.quoted(base(c.CutoffTable)+cutoffIndex),
		"{force_user}", force(index("_user")), "{force_sweep}", force(index("_sweep")),
		"{force_ip}", force(index("_ip")), "{force_id}", d.forceID,
		"{least}", d.least, "{ids}", d.ids, "{integer}", d.integer, "{foreign_key}", foreign,
		"{primary}", d.primary,
	)
}

// id returns the parameter for id.
func (d *dialect) id(id store.ID) any {
	if d.textUUID {
		return uuidText(id)
	}
	return id[:]
}

// idList returns the parameter for a list of ids: a text that PostgreSQL reads as an array, which every driver can send,
// or what sqlx.In expands.
func (d *dialect) idList(ids []store.ID) any {
	if d.idArray {
		b := make([]byte, 0, 2+37*len(ids))
		b = append(b, '{')
		for i, id := range ids {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, uuidText(id)...)
		}
		return string(append(b, '}'))
	}
	list := make([][]byte, len(ids))
	for i := range ids {
		list[i] = ids[i][:]
	}
	return list
}

// anyID returns the condition on a list of ids, with a placeholder for each of the parameters.
func (d *dialect) anyID(ids []store.ID) (condition string, args []any) {
	ids = sorted(ids)
	if d.idArray {
		return d.ids, []any{d.idList(ids)}
	}
	for i := range ids {
		args = append(args, ids[i][:])
	}
	return strings.Replace(d.ids, "?", strings.Repeat("?, ", len(ids)-1)+"?", 1), args
}
