package itest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/testserver"
)

// naming sets another charset on each connection, as the connectors of some applications do.
type naming struct {
	driver.Connector
	charset string
}

func (n naming) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := n.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	_, err = c.(driver.ExecerContext).ExecContext(ctx, "SET NAMES "+n.charset, nil)
	return c, err
}

func connectorOf(t *testing.T, dsn string) driver.Connector {
	t.Helper()
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	c, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// An injection ends the text that it is in and adds a row of its own, where the server reads BF 5C as one character.
const injection = "\xbf'),(0x" + "696e6a6563746564" + ") -- "

// TestCharset: ATK-9. A client charset in which escaping is not safe is refused, whichever way it has come; where it is not, a
// User-Agent is what it was.
func TestCharset(t *testing.T) {
	ctx := context.WithoutCancel(t.Context())
	server, err := testserver.Start(ctx, testserver.KindMariaDB, testserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop() })
	root := pool(t, "mysql", server.DSN)
	run(t, root, "CREATE DATABASE app", "CREATE USER app@'%'", "GRANT ALL ON app.* TO app@'%'", "CREATE TABLE app.proof (agent VARBINARY(512))")
	dsn := strings.Replace(server.DSN, "root@", "app@", 1) + "app"

	// The attack itself, so that the test cannot pass for want of one.
	open := sql.OpenDB(naming{connectorOf(t, with(dsn, "interpolateParams=true")), "gbk"})
	t.Cleanup(func() { open.Close() })
	if _, err := open.ExecContext(ctx, "INSERT INTO proof VALUES (?)", injection); err != nil {
		t.Fatal(err)
	}
	var rows int
	if err := root.QueryRowContext(ctx, "SELECT COUNT(*) FROM app.proof WHERE agent = 'injected'").Scan(&rows); err != nil || rows != 1 {
		t.Fatalf("the attack does not work here: %d rows, %v", rows, err)
	}

	refused := func(how string, s *sqlxstore.Store, err error) {
		t.Helper()
		if err == nil {
			t.Errorf("%s: not refused", how)
			s.Close()
		} else if !strings.Contains(err.Error(), "charset") {
			t.Errorf("%s: %v", how, err)
		}
	}
	attacked := func(how string, s *sqlxstore.Store, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", how, err)
			return
		}
		defer s.Close()
		if err := s.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		for _, agent := range []string{injection, "\xbf'", "\xbf\\", "\\", "\x81'", "x', 0, 0, 0) -- "} {
			r := session("\xbf' OR 1=1 -- ")
			r.UserAgent = agent
			create(t, s, r)
			if got, err := s.Load(ctx, r.ID); err != nil || got.UserAgent != agent || got.User != r.User {
				t.Errorf("%s: got %+v, %v, want the User-Agent %q", how, got, err, agent)
			}
		}
	}
	configs := []sqlxstore.Config{{}, direct}
	options := []string{"", "interpolateParams=true", "interpolateParams=false"}
	for _, charset := range []string{"gbk", "sjis", "cp932", "big5", "gb2312"} {
		for _, c := range configs {
			for _, o := range options {
				for _, way := range []string{"charset=" + charset, "character_set_client=" + charset} {
					s, err := sqlxstore.Open(ctx, "mysql", with(with(dsn, way), o), c)
					refused("Open with "+way, s, err)
					s, err = sqlxstore.New(ctx, pool(t, "mysql", with(with(dsn, way), o)), c)
					refused("New with "+way, s, err)
				}
				db := sql.OpenDB(naming{connectorOf(t, with(dsn, o)), charset})
				t.Cleanup(func() { db.Close() })
				s, err := sqlxstore.New(ctx, db, c)
				refused("New with a connector for "+charset, s, err)
			}
		}
	}
	for _, c := range configs {
		s, err := sqlxstore.New(ctx, pool(t, "mysql", with(dsn, "collation=gbk_chinese_ci")), c)
		refused("New with a collation", s, err)
		for _, o := range options {
			s, err := sqlxstore.Open(ctx, "mysql", with(dsn, o), c)
			attacked("Open with "+o, s, err)
			s, err = sqlxstore.New(ctx, pool(t, "mysql", with(with(dsn, o), "charset=latin1")), c)
			attacked("New with latin1 and "+o, s, err)
		}
	}
	// The server sets it on each connection: Open says another one, where it matters.
	run(t, root, "SET GLOBAL init_connect = 'SET NAMES gbk'")
	for _, c := range configs {
		for _, o := range options {
			s, err := sqlxstore.New(ctx, pool(t, "mysql", with(dsn, o)), c)
			refused("New with init_connect", s, err)
			s, err = sqlxstore.Open(ctx, "mysql", with(dsn, o), c)
			if c.NoPrepare && o != options[2] || o == options[1] {
				attacked("Open with init_connect and "+o, s, err)
			} else {
				refused("Open with init_connect and "+o, s, err)
			}
		}
	}
	run(t, root, "SET GLOBAL init_connect = ''")
	// It is changed while the store is open: new connections of Open's pool are as the first.
	s, err := sqlxstore.Open(ctx, "mysql", dsn, sqlxstore.Config{NoPrepare: true, ConnMaxLifetime: 1})
	if err != nil {
		t.Fatal(err)
	}
	run(t, root, "SET GLOBAL init_connect = 'SET NAMES gbk'")
	attacked("Open before init_connect", s, nil)
}
