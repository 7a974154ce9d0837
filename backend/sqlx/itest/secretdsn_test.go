package itest

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/sqlx"
)

// Passwords whose parts are in no other word, with the characters that DSNs give a meaning.
var passwords = []string{
	"Zq7xKv9jW", "Zq7@xKv9jW", "Zq7:xKv9jW", "Zq7/xKv9jW", "Zq7?xKv9jW", "Zq7#xKv9jW", "Zq7%xKv9jW", "Zq7%41xKv9jW", "Zq7&xKv=9jW", "Zq7=xKv9jW", "Zq7 xKv9jW",
	"Zq7'xKv9jW", `Zq7\xKv9jW`, `Zq7\'xKv9 jW`, "Zq7(xKv)9jW", "Zq7[xKv]9jW", "Zq7@tcp(xKv)/9jW", "Zq7://xKv@9jW", "Zq7ÿxKv9jW", "Zq7\nxKv9jW", "Zq7\"xKv`9jW", "Zq7,xKv;9jW", "Zq7+xKv+9jW",
	"@Zq7/xKv9jW", ":Zq7xKv9jW@", "Zq7 host=xKv9jW", "Zq7xKv9jW?", "127Zq7xKv9jW", "Zq7&password=xKv9jW", "Zq7/xKv?timeout=9jW", "Zq7{xKv}9jW", "Zq7|xKv^9jW~",
}

// Where a password is, or where people put it. The address refuses at once.
var secretDSNs = []string{
	"postgres://u:PW@ADDR/db", "postgres://u:PW@ADDR", "postgres://u:PW", "postgres://u:PW@", "postgres://PW@ADDR/db", "postgres://:PW@ADDR/db", "postgres:/u:PW@ADDR/db",
	"postgres://ADDR/db?user=u&password=PW", "postgres://ADDR/db?password=PW&user=u", "postgres://u@ADDR/db?sslpassword=PW&sslmode=disable", "postgres://u:PW@ADDR,ADDR/db?sslmode=nosuch",
	"postgres://u:PW@ADDR/db?connect_timeout=x", "postgres://u:x@PW:1/db", "postgres://u:x@ADDR/PW", "postgresql://u%3APW@ADDR/db", " postgres://u:PW@ADDR/db", "jdbc:postgresql://ADDR/db?user=u&password=PW",
	"host=127.0.0.1 port=1 user=u password=PW dbname=db", "host=127.0.0.1 port=1 user=u password='PW' dbname=db", "host=127.0.0.1 port=1 password=PW", "host=127.0.0.1 port=1 password = PW sslmode=disable",
	"password=PW host=127.0.0.1 port=x", "host=127.0.0.1 port=1 passwordPW", "host=127.0.0.1 port=1 user=u:PW", "service=PW", "host=127.0.0.1 port=1 pass=PW", "PW",
	"u:PW@tcp(ADDR)/db", "u:PW@tcp(ADDR)", "u:PW@tcp(ADDR", "u:PWtcp(ADDR)/db", "uPW@tcp(ADDR)/db", "u:PW@ADDR/db", "u:PW/db", "u:PW", "u/PW@tcp(ADDR)/db", "u:PW@nonet(ADDR)/db", "u:PW@tcp(ADDR)/db?timeout=x",
	"u:PW@tcp(ADDR)/db?charset=PW", "u@tcp(ADDR)/PW?nosuch=1", "mysql://u:PW@ADDR/db", "u:PW@unix(/nowhere/s)/db", "u:PW@tcp(ADDR)/db?tls=PW", "u:PW@tcp(ADDR)/db?password=PW",
	"Server=127.0.0.1;Uid=u;Pwd=PW;", "file:nosuch/x.db?_auth&_auth_user=u&_auth_pass=PW", "file:nosuch/x.db&_auth_pass=PW", "nosuch/x.db?_pragma=key('PW')",
}

// pieces returns the parts of three characters.
func pieces(password string) (all []string) {
	for i := range len(password) - 2 {
		all = append(all, strings.ToLower(password[i:i+3]))
	}
	return all
}

// TestSecretDSN: ATK-18. No error about a DSN has three characters in a row of its password, however malformed the DSN is.
func TestSecretDSN(t *testing.T) {
	// A piece of a password that is taken for a host is looked up nowhere.
	resolver := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no name server") }}
	defer func() { net.DefaultResolver = resolver }()
	t.Chdir(t.TempDir())
	if err := os.Chmod(".", 0o500); err != nil {
		t.Fatal(err)
	}
	drivers := []string{"postgres", "pgx", "mysql", "sqlite"}
	for _, g := range mattnTargets {
		drivers = append(drivers, g.driver)
	}
	var tried, failed, leaks int
	try := func(driver, dsn, password string) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if strings.HasPrefix(driver, "sqlite") && (strings.HasPrefix(dsn, password[:3]) || strings.HasPrefix(dsn, "/") || strings.HasPrefix(dsn, "file:/")) {
			return
		}
		tried++
		s, err := sqlxstore.Open(ctx, driver, dsn, sqlxstore.Config{NoPrepare: tried%2 == 0})
		if err == nil {
			s.Close()
			return
		}
		failed++
		text := strings.ToLower(err.Error())
		for _, piece := range pieces(password) {
			if strings.TrimSpace(piece) != "" && strings.Contains(text, piece) && !strings.Contains("127.0.0.1 @tcp( password= timeout= host=", piece) {
				leaks++
				if leaks < 20 {
					t.Errorf("%s %q: %q is in %q", driver, dsn, piece, err)
				}
				return
			}
		}
	}
	for i, password := range passwords {
		for _, template := range secretDSNs {
			for _, form := range []string{password, url.QueryEscape(password), url.PathEscape(password)} {
				dsn := strings.NewReplacer("ADDR", "127.0.0.1:1", "PW", form).Replace(template)
				for _, driver := range drivers {
					try(driver, dsn, password)
				}
			}
		}
		// One character is missing, is doubled, or is another one; or the rest is missing.
		if i > 2 {
			continue
		}
		for _, template := range []string{"postgres://u:PW@ADDR/db?sslmode=disable", "host=127.0.0.1 port=1 user=u password='PW' dbname=db", "u:PW@tcp(ADDR)/db?timeout=1s"} {
			dsn := strings.NewReplacer("ADDR", "127.0.0.1:1", "PW", password).Replace(template)
			for at := range dsn {
				for _, damaged := range []string{dsn[:at] + dsn[at+1:], dsn[:at] + dsn[at:at+1] + dsn[at:], dsn[:at] + "%" + dsn[at+1:], dsn[:at] + ":" + dsn[at:], dsn[:at] + "@" + dsn[at:], dsn[:at] + " " + dsn[at:], dsn[:at]} {
					if strings.Contains(damaged, "127.0.0.1") || !strings.Contains(damaged, "0.0.") { // never another address
						for _, driver := range drivers[:3] {
							try(driver, damaged, password)
						}
					}
				}
			}
		}
	}
	t.Logf("%d DSNs, %d errors, %d with a piece of the password", tried, failed, leaks)
	if failed < 10000 {
		t.Errorf("only %d errors", failed)
	}
	// The reasons are still there.
	for dsn, want := range map[string]string{"postgres://u:Zq7xKv9jW@127.0.0.1:1/db": "127.0.0.1:1: connect", "postgres://u:Zq7xKv9jW@nosuch/db": "the name of the host"} {
		_, err := sqlxstore.Open(t.Context(), "postgres", dsn, sqlxstore.Config{})
		if err == nil || !strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("%s: got %v, want %s", dsn, err, want)
		}
	}
	for _, swapped := range []string{"postgres://u:Zq7xKv9jW@127.0.0.1:1/db", "Zq7xKv9jW"} {
		if _, err := sqlxstore.Open(t.Context(), swapped, "postgres://u:Zq7xKv9jW@h", sqlxstore.Config{}); err == nil || strings.Contains(err.Error(), "Zq7") {
			t.Errorf("the DSN before the driver: got %v", err)
		}
	}
	// pgx reads the DSN of a pool when it is first used.
	for _, dsn := range []string{"postgres://u:Zq7xKv9jW@127.0.0.1:x/db", "postgres:/u:Zq7xKv9jW", "user=u password=Zq7xKv9jW port=x", "password='Zq7xKv9jW", "host=h pass Zq7xKv9jW"} {
		for _, c := range []sqlxstore.Config{{}, {Dialect: sqlxstore.Postgres}} {
			db, err := sql.Open("pgx", dsn)
			if err != nil {
				continue
			}
			if _, err := sqlxstore.New(t.Context(), db, c); err == nil || strings.Contains(err.Error(), "Zq7") || strings.Contains(err.Error(), "9jW") {
				t.Errorf("New with %s: got %v", dsn, err)
			}
			db.Close()
		}
	}
}
