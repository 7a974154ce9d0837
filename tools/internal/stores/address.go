package stores

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/go-sql-driver/mysql"

	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
)

// An Address says which database, and how to reach it. It may hold a password; its String does not.
type Address struct {
	Dialect sqlxstore.Dialect
	File    string // of SQLite, without options

	driver, dsn, name string
}

// String returns the address in short, without password and options.
func (a Address) String() string { return a.name }

var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]{0,19}$`)

// Parse reads one of
//
//	postgres://user:password@host:5432/database?sslmode=disable
//	mysql://user:password@host:3306/database    (or mariadb://)
//	sqlite:relative/path.db, sqlite:///absolute/path.db
//	path.db
//
// The parts of a URL are percent-encoded, the paths of SQLite are not. Options after a ? go to the driver: pgx,
// go-sql-driver/mysql, modernc.org/sqlite. An error says what is wrong, and shows nothing that may be a password.
func Parse(address string) (Address, error) {
	if strings.ContainsRune(address, 0) {
		return Address{}, errors.New("the store address has a zero byte")
	}
	if path, found := strings.CutPrefix(address, "sqlite:"); found {
		return parseSQLite(path)
	}
	name, _, found := strings.Cut(address, "://")
	switch {
	case !found:
		return parsePath(address)
	case name == "postgres", name == "postgresql":
		return parsePostgres(address)
	case name == "mysql", name == "mariadb":
		return parseMySQL(address)
	case scheme.MatchString(name):
		return Address{}, fmt.Errorf("the store address begins with %s://, which is none of sqlite:, postgres://, mysql:// and mariadb://", name)
	}
	return Address{}, errors.New("the store address begins with none of sqlite:, postgres://, mysql:// and mariadb://")
}

func parsePath(path string) (Address, error) {
	switch {
	case path == "":
		return Address{}, errors.New("the store address is empty: want postgres://…, mysql://…, mariadb://…, sqlite:PATH or the path of a SQLite file")
	case strings.ContainsAny(path, "@=?") || strings.Contains(withoutDrive(path), ":"):
		// Most likely another form of address, with a password, which must not become the name of a new file.
		return Address{}, errors.New("the store address is neither a URL nor a plain path: want postgres://user:password@host/database or mysql://user:password@host/database; a path with one of : @ = ? needs sqlite: before it")
	}
	return parseSQLite(path)
}

// withoutDrive cuts what a path on Windows begins with.
func withoutDrive(path string) string {
	if len(path) > 2 && path[1] == ':' && (path[2] == '\\' || path[2] == '/') {
		return path[2:]
	}
	return path
}

func parseSQLite(path string) (Address, error) {
	if rest, found := strings.CutPrefix(path, "//"); found {
		if !strings.HasPrefix(rest, "/") {
			return Address{}, errors.New("after sqlite:// comes an absolute path, with a third slash: sqlite:///path/file.db; a relative one is sqlite:file.db")
		}
		path = "/" + strings.TrimLeft(rest, "/")
	}
	file, options, hasOptions := strings.Cut(path, "?")
	if file == "" {
		return Address{}, errors.New("the store address has no path of a SQLite file")
	}
	if file == ":memory:" {
		return Address{}, errors.New("a SQLite database in memory would be another one for each connection: give the path of a file")
	}
	a := Address{Dialect: sqlxstore.SQLite, File: file, driver: "sqlite", dsn: file, name: "sqlite:" + file}
	if hasOptions {
		a.dsn += "?" + options
	}
	return a, nil
}

var errPassword = errors.New("the store address is not a valid URL; special characters of a user name or password are percent-encoded, such as %40 for @ and %2F for /")

// parseURL gives no cause of an error: net/url quotes what it does not understand.
func parseURL(address string) (u *url.URL, options url.Values, err error) {
	if u, err = url.Parse(address); err != nil || u.Opaque != "" {
		return nil, nil, errPassword
	}
	if u.Fragment != "" || strings.HasSuffix(address, "#") {
		return nil, nil, errors.New("the store address has a #; in a user name or password it is %23")
	}
	if options, err = url.ParseQuery(u.RawQuery); err != nil {
		return nil, nil, errors.New("the options after the ? of the store address are malformed: want name=value&name=value")
	}
	return u, options, nil
}

func parsePostgres(address string) (Address, error) {
	u, options, err := parseURL(address)
	if err != nil {
		return Address{}, err
	}
	a := Address{Dialect: sqlxstore.Postgres, driver: "pgx", dsn: address, name: short("postgres", u)}
	if !options.Has("sslmode") && os.Getenv("PGSSLMODE") == "" {
		// The driver would go on without TLS if the server, or an attacker in between, refuses it.
		separator := "?"
		if strings.Contains(address, "?") {
			separator = "&"
		}
		a.dsn += separator + "sslmode=require"
	}
	return a, nil
}

func parseMySQL(address string) (Address, error) {
	u, options, err := parseURL(address)
	if err != nil {
		return Address{}, err
	}
	c := mysql.NewConfig()
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	c.DBName = strings.TrimPrefix(u.Path, "/")
	switch {
	case u.Hostname() == "":
		return Address{}, errors.New("the store address has no host: want mysql://user:password@host:3306/database")
	case c.DBName == "":
		return Address{}, errors.New("the store address has no database: want mysql://user:password@host:3306/database")
	}
	c.Net, c.Addr = "tcp", u.Host
	if u.Port() == "" {
		c.Addr = strings.TrimSuffix(u.Host, ":") + ":3306"
	}
	dsn := c.FormatDSN()
	if len(options) > 0 {
		separator := "?"
		if strings.Contains(dsn[strings.LastIndexByte(dsn, '/'):], "?") {
			separator = "&"
		}
		dsn += separator + options.Encode()
	}
	// The driver's form has no escapes for these, so it may have been read otherwise than it was written.
	back, err := mysql.ParseDSN(dsn)
	switch {
	case err != nil:
		return Address{}, errors.New("the MySQL driver does not understand the host, the database or the options of the store address")
	case back.User != c.User || back.Passwd != c.Passwd || back.Addr != c.Addr || back.DBName != c.DBName:
		return Address{}, errors.New("the MySQL driver has no way to write the user name, the host or the database of the store address (is there a colon in the user name?)")
	}
	return Address{Dialect: sqlxstore.MySQL, driver: "mysql", dsn: dsn, name: short("mysql", u)}, nil
}

func short(scheme string, u *url.URL) string {
	s := url.URL{Scheme: scheme, Host: u.Host, Path: u.Path}
	if name := u.User.Username(); name != "" {
		s.User = url.User(name)
	}
	return s.String()
}
