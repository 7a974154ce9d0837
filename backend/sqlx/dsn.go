package sqlxstore

import (
	"cmp"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// An option is a name and a value of a DSN.
type option struct{ name, value string }

// A dsnError says which form a DSN should have, and has no part of it.
type dsnError struct{ text string }

func (e *dsnError) Error() string { return "sqlxstore: open: " + e.text }

const connectTimeout = 10 * time.Second

func libpqDSN(dsn string, c *Config) (string, error) {
	options := []option{{"connect_timeout", "10"}}
	if c.NoPrepare {
		options = append(options, option{"binary_parameters", "yes"})
	}
	return postgresDSN(dsn, options)
}

func pgxDSN(dsn string, c *Config) (string, error) {
	options := []option{{"connect_timeout", "10"}}
	if c.NoPrepare {
		options = append(options, option{"default_query_exec_mode", "exec"})
	}
	return postgresDSN(dsn, options)
}

// postgresDSN adds options to a URL, or to a list of name=value.
func postgresDSN(dsn string, options []option) (string, error) {
	isURL := strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
	if isURL {
		if _, err := url.Parse(dsn); err != nil { // its text has the URL
			return "", errors.New("sqlxstore: open: the DSN is not a valid URL; special characters of a password must be escaped")
		}
		return addToQuery(dsn, options), nil
	}
	if strings.HasPrefix(dsn, "registeredConnConfig") { // of pgx
		return dsn, nil
	}
	if dsn != "" && !named.MatchString(dsn) {
		return "", &dsnError{"the DSN is neither a URL whose scheme is postgres nor a list of name=value, such as host=db user=app dbname=app"}
	}
	for _, o := range options {
		if !regexp.MustCompile(`(?:^|\s)` + o.name + `\s*=`).MatchString(dsn) {
			dsn = o.name + "=" + o.value + " " + dsn // in front, as dsn may end in "password="
		}
	}
	return dsn, nil
}

// named matches a list of name=value.
var named = regexp.MustCompile(`^\s*\w+\s*=`)

// addToQuery adds the options whose names are not there.
func addToQuery(dsn string, options []option) string {
	_, query, found := strings.Cut(dsn, "?")
	has, _ := url.ParseQuery(query)
	separator := "?"
	if found {
		separator = "&"
	}
	for _, o := range options {
		if !has.Has(o.name) {
			dsn += separator + o.name + "=" + o.value
			separator = "&"
		}
	}
	return dsn
}

// mysqlConfig leaves clientFoundRows alone: each statement that counts rows changes them. It sets no isolation level:
// MariaDB does not know MySQL's name of it, and none is needed. Where the driver puts the parameters into the text it also says the
// charset on each connection, so that none of the server's settings, such as init_connect, sets another one.
func mysqlConfig(dsn string, c *Config) (*mysql.Config, error) {
	config, err := mysql.ParseDSN(dsn)
	if err != nil { // its text may have any part of the DSN
		return nil, &dsnError{"the DSN does not have the form user:password@tcp(host:port)/database?option=value, or has an option that the driver refuses"}
	}
	query := dsn[strings.LastIndexByte(dsn, '/')+1:]
	_, query, _ = strings.Cut(query, "?")
	has, _ := url.ParseQuery(query)
	for _, o := range []struct {
		name string
		to   *time.Duration
		d    time.Duration
	}{
		{"timeout", &config.Timeout, connectTimeout},
		{"readTimeout", &config.ReadTimeout, 30 * time.Second},
		{"writeTimeout", &config.WriteTimeout, 30 * time.Second},
	} {
		if !has.Has(o.name) {
			*o.to = o.d
		}
	}
	if c.NoPrepare && !has.Has("interpolateParams") {
		config.InterpolateParams = true
	}
	charset, _, _ := strings.Cut(config.Collation, "_")
	said := has.Get("charset")
	for name := range strings.SplitSeq(said+","+charset, ",") {
		if err := checkCharset(name); name != "" && err != nil {
			return nil, err
		}
	}
	if config.InterpolateParams && said == "" {
		if err := config.Apply(mysql.Charset(cmp.Or(charset, "utf8mb4"), config.Collation)); err != nil {
			return nil, err
		}
	}
	return config, nil
}

// moderncDSN spells options as _pragma=name(value).
func moderncDSN(dsn string, c *Config) (string, error) {
	dsn, query, err := sqliteFile(dsn)
	if err != nil {
		return "", err
	}
	pragmas := []option{{"busy_timeout", "5000"}, {"journal_mode", "WAL"}, {"synchronous", "NORMAL"}}
	if c.User.References != "" {
		pragmas = append(pragmas, option{"foreign_keys", "1"})
	}
	for _, o := range pragmas {
		said := slices.ContainsFunc(query["_pragma"], func(p string) bool { return strings.HasPrefix(strings.ToLower(p), o.name) })
		if !said {
			query.Add("_pragma", o.name+"("+o.value+")")
		}
	}
	if !query.Has("_txlock") {
		query.Set("_txlock", "immediate")
	}
	return dsn + "?" + query.Encode(), nil
}

// mattnDSN spells options as _name=value, and has short names beside them.
func mattnDSN(dsn string, c *Config) (string, error) {
	dsn, query, err := sqliteFile(dsn)
	if err != nil {
		return "", err
	}
	options := [][3]string{
		{"_busy_timeout", "_timeout", "5000"}, {"_journal_mode", "_journal", "WAL"}, {"_synchronous", "_sync", "NORMAL"}, {"_txlock", "_txlock", "immediate"},
	}
	if c.User.References != "" {
		options = append(options, [3]string{"_foreign_keys", "_fk", "1"})
	}
	for _, o := range options {
		if !query.Has(o[0]) && !query.Has(o[1]) {
			query.Set(o[0], o[2])
		}
	}
	return dsn + "?" + query.Encode(), nil
}

// foreign matches what the DSNs of other databases have, and names of files do not.
var foreign = regexp.MustCompile(`^\w{2,}://|@(?:tcp[46]?|unix)?\(`)

// sqliteFile returns the file: form of dsn and its options. A path must have that form for its options to be read.
func sqliteFile(dsn string) (file string, query url.Values, err error) {
	if foreign.MatchString(dsn) && !strings.HasPrefix(dsn, "file:") {
		return "", nil, &dsnError{"the DSN is that of another database; SQLite takes the path of a file, or file:path?option=value"}
	}
	file, options, _ := strings.Cut(dsn, "?")
	if !strings.HasPrefix(file, "file:") {
		file = "file:" + strings.NewReplacer("%", "%25", "#", "%23").Replace(file)
	}
	query, err = url.ParseQuery(options)
	if err != nil {
		return "", nil, errors.New("sqlxstore: open: the options of the DSN are malformed")
	}
	if file == "file:" || strings.Contains(file, ":memory:") || query.Get("mode") == "memory" || query.Get("vfs") == "memdb" {
		return "", nil, errors.New("sqlxstore: open: a SQLite database in memory is another one for each connection; use a file, or core/memory")
	}
	return file, query, nil
}
