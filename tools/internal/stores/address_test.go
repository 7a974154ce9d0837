package stores

import (
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		address string
		dialect sqlxstore.Dialect
		dsn     string
		name    string
	}{
		{"sqlite:///var/lib/s.db", sqlxstore.SQLite, "/var/lib/s.db", "sqlite:/var/lib/s.db"},
		{"sqlite:/var/lib/s.db", sqlxstore.SQLite, "/var/lib/s.db", "sqlite:/var/lib/s.db"},
		{"sqlite:data/s.db", sqlxstore.SQLite, "data/s.db", "sqlite:data/s.db"},
		{"sqlite:a:b@c=d.db", sqlxstore.SQLite, "a:b@c=d.db", "sqlite:a:b@c=d.db"},
		{"sqlite:s.db?_pragma=busy_timeout(9)", sqlxstore.SQLite, "s.db?_pragma=busy_timeout(9)", "sqlite:s.db"},
		{"data/s.db", sqlxstore.SQLite, "data/s.db", "sqlite:data/s.db"},
		{`C:\data\s.db`, sqlxstore.SQLite, `C:\data\s.db`, `sqlite:C:\data\s.db`},
		{"postgres://u:p@h:5432/d?sslmode=disable", sqlxstore.Postgres, "postgres://u:p@h:5432/d?sslmode=disable", "postgres://u@h:5432/d"},
		{"postgresql://h/d?password=p", sqlxstore.Postgres, "postgresql://h/d?password=p&sslmode=require", "postgres://h/d"},
		{"postgres://u:p%26@h/d", sqlxstore.Postgres, "postgres://u:p%26@h/d?sslmode=require", "postgres://u@h/d"},
		{"mysql://u:p@h:3307/d", sqlxstore.MySQL, "u:p@tcp(h:3307)/d", "mysql://u@h:3307/d"},
		{"mariadb://u:p@h/d", sqlxstore.MySQL, "u:p@tcp(h:3306)/d", "mysql://u@h/d"},
		{"mysql://u:p%40%2Fx%3F@h/d", sqlxstore.MySQL, "u:p@/x?@tcp(h:3306)/d", "mysql://u@h/d"},
		{"mysql://u@[::1]:3306/d?tls=skip-verify", sqlxstore.MySQL, "u@tcp([::1]:3306)/d?tls=skip-verify", "mysql://u@[::1]:3306/d"},
		{"mysql://u@[::1]/d", sqlxstore.MySQL, "u@tcp([::1]:3306)/d", "mysql://u@[::1]/d"},
	} {
		a, err := Parse(test.address)
		if err != nil {
			t.Errorf("Parse(%q): %v", test.address, err)
			continue
		}
		if a.Dialect != test.dialect || a.dsn != test.dsn || a.String() != test.name {
			t.Errorf("Parse(%q):\ngot  %s %s %s\nwant %s %s %s", test.address, a.Dialect, a.dsn, a, test.dialect, test.dsn, test.name)
		}
	}
}

// TestParseErrors wants what is wrong, and no password.
func TestParseErrors(t *testing.T) {
	t.Parallel()
	const password = "hunter2hunter2"
	for _, test := range []struct{ address, want string }{
		{"", "empty"},
		{"sqlite:", "no path"},
		{"sqlite://", "third slash"},
		{"sqlite://u:" + password + "@h/s.db", "third slash"},
		{"sqlite::memory:", "in memory"},
		{":memory:", "plain path"},
		{"u:" + password + "@tcp(h:3306)/d", "mysql://user:password@host"},
		{"host=h password=" + password, "postgres://user:password@host"},
		{"postgres:u:" + password + "@h/d", "postgres://user:password@host"},
		{"oracle://u:" + password + "@h/d", "oracle://"},
		{"u:" + password + "://h/d", "begins with none of"},
		{"postgres://u:" + password + "/x@h/d", "percent-encoded"},
		{"postgres://u:" + password + "%zz@h/d", "percent-encoded"},
		{"mysql://u:" + password + "#@h/d", "percent-encoded"},
		{"mysql://u:" + password + "@h/d#x", "%23"},
		{"mysql://u:" + password + "@h", "no database"},
		{"mysql://u:" + password + "@/d", "no host"},
		{"mysql://u%3Ax:" + password + "@h/d", "colon"},
		{"mysql://u:p@h/d?tls=" + password, "options"},
		{"mysql://u:p@h/d?x=%zz" + password, "options"},
		{"mysql://u:" + password + "\x00@h/d", "zero byte"},
	} {
		_, err := Parse(test.address)
		switch {
		case err == nil:
			t.Errorf("Parse(%q): no error", test.address)
		case !strings.Contains(err.Error(), test.want):
			t.Errorf("Parse(%q): %q does not say %q", test.address, err, test.want)
		case strings.Contains(err.Error(), password):
			t.Errorf("Parse(%q): %q has the password", test.address, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("postgres", "u", "p", "h:5432/d?sslmode=disable")
	f.Add("mysql", "u", "p%40", "h/d?tls=x")
	f.Add("mariadb", "", "#", "[::1]/d")
	f.Add("sqlite", "", "", "/x")
	f.Add("x", "u:", "@tcp(", "h)/d")
	f.Fuzz(func(t *testing.T, scheme, user, password, rest string) {
		const secret = "hunter2hunter2"
		for _, address := range []string{
			scheme + "://" + user + ":" + secret + password + "@" + rest,
			user + ":" + password + secret + "@" + rest,
			rest,
		} {
			a, err := Parse(address)
			if err != nil {
				if strings.Contains(err.Error(), secret) && !strings.Contains(rest, secret) {
					t.Errorf("Parse(%q): %q has the password", address, err)
				}
				continue
			}
			if a.Dialect != sqlxstore.MySQL {
				continue
			}
			c, err := mysql.ParseDSN(a.dsn)
			if err != nil {
				t.Errorf("Parse(%q): %q: %v", address, a.dsn, err)
			} else if c.Net != "tcp" || c.DBName == "" || strings.Contains(a.String(), secret) && !strings.Contains(user+rest, secret) && strings.Contains(c.Passwd, secret) {
				t.Errorf("Parse(%q): %+v, %s", address, c, a)
			}
		}
	})
}
