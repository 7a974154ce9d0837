package itest

import (
	"context"
	"database/sql"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/qsessions/qsessions/backend/sqlx"
)

// sqlBlocks returns the statements of each block of docs/grants.md by the comment in front of it.
func sqlBlocks(t *testing.T) map[string][]string {
	t.Helper()
	page, err := os.ReadFile("../../../docs/grants.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string][]string{}
	for _, m := range regexp.MustCompile("(?s)<!-- (\\w+ \\w+) -->\n```sql\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		text := regexp.MustCompile(`--[^\n]*`).ReplaceAllString(m[2], "")
		for statement := range strings.SplitSeq(text, ";") {
			if statement = strings.TrimSpace(statement); statement != "" {
				blocks[m[1]] = append(blocks[m[1]], statement)
			}
		}
	}
	return blocks
}

var (
	grantForm = regexp.MustCompile(`^GRANT (.+) ON (.+) TO (.+)$`)
	rightForm = regexp.MustCompile(`\w+(?: \([^)]*\))?`)
)

// A right is one that a statement gives.
type right struct{ name, on, to string }

func (r right) grant() string  { return "GRANT " + r.name + " ON " + r.on + " TO " + r.to }
func (r right) revoke() string { return "REVOKE " + r.name + " ON " + r.on + " FROM " + r.to }

func rightsOf(t *testing.T, role string, statements ...[]string) (all []right) {
	t.Helper()
	for _, block := range statements {
		for _, s := range block {
			m := grantForm.FindStringSubmatch(s)
			if m == nil || !strings.HasPrefix(m[3], role) {
				continue
			}
			for _, name := range rightForm.FindAllString(m[1], -1) {
				all = append(all, right{name, m[2], m[3]})
			}
		}
	}
	if len(all) == 0 {
		t.Fatalf("there is no right for %s", role)
	}
	return all
}

// TestGrants: ATK-19, RPT-7. With the rights that docs/grants.md lists, the role that migrates can migrate, and the role that runs
// can do everything else. Without any one of them an operation fails.
func TestGrants(t *testing.T) {
	blocks := sqlBlocks(t)
	for _, references := range []bool{false, true} {
		name := map[bool]string{false: "alone", true: "with a table of users"}[references]
		c := sqlxstore.Config{}
		if references {
			c.User = sqlxstore.UserColumn{Type: sqlxstore.Integer, References: "app_users(id)"}
		}
		t.Run("postgres, "+name, func(t *testing.T) {
			dsn := postgres(t)
			root := pool(t, "postgres", dsn)
			run(t, root, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
			g := grants{root: root, config: c, driver: "postgres", blocks: blocks, dialect: "postgres", as: func(role string) string { return asRole(t, dsn, role, "") }}
			t.Cleanup(func() {
				for _, role := range []string{"qsessions_run", "qsessions_migrate"} {
					for _, text := range []string{"DROP OWNED BY " + role + " CASCADE", "DROP ROLE " + role} {
						if _, err := root.ExecContext(context.Background(), text); err != nil {
							t.Error(err)
						}
					}
				}
			})
			g.after = g.as("qsessions_migrate")
			g.try(t)
		})
		t.Run("mariadb, "+name, func(t *testing.T) {
			config, err := mysql.ParseDSN(mariadb(t))
			if err != nil {
				t.Fatal(err)
			}
			mine := map[string][]string{} // in the test's own database
			for name, block := range blocks {
				for _, s := range block {
					mine[name] = append(mine[name], strings.ReplaceAll(s, " app.", " "+config.DBName+"."))
				}
			}
			root := pool(t, "mysql", config.FormatDSN())
			g := grants{root: root, config: c, driver: "mysql", blocks: mine, dialect: "mysql", after: config.FormatDSN(), as: func(role string) string {
				as := config.Clone()
				as.User, as.Passwd = role, ""
				return as.FormatDSN()
			}}
			t.Cleanup(func() {
				if _, err := root.ExecContext(context.Background(), "DROP USER qsessions_run@'%', qsessions_migrate@'%'"); err != nil {
					t.Error(err)
				}
			})
			g.try(t)
		})
	}
}

type grants struct {
	root            *sql.DB
	config          sqlxstore.Config
	driver, dialect string
	blocks          map[string][]string
	after           string // the DSN of the role that gives the rights after the migration
	as              func(role string) string
}

func (g grants) try(t *testing.T) {
	before, later, after := g.blocks[g.dialect+" before"], g.blocks[g.dialect+" references"], g.blocks[g.dialect+" after"]
	run(t, g.root, before...)
	ann, bob := "ann", "bob"
	if g.config.User.References != "" {
		ann, bob = "1", "2"
		run(t, g.root, "CREATE TABLE app_users (id INT PRIMARY KEY)", "INSERT INTO app_users VALUES (1), (2)")
		run(t, g.root, later...)
	} else {
		later = nil
	}
	migrate := func() error {
		s, err := sqlxstore.Open(t.Context(), g.driver, g.as("qsessions_migrate"), g.config)
		if err != nil {
			return err
		}
		defer s.Close()
		return s.Migrate(t.Context())
	}
	for _, r := range rightsOf(t, "qsessions_migrate", before, later) {
		run(t, g.root, r.revoke())
		if err := migrate(); err == nil {
			t.Errorf("a migration needs no %s ON %s", r.name, r.on)
		}
		run(t, g.root, r.grant())
		if g.dialect == "mysql" { // each table is committed by itself
			run(t, g.root, "DROP TABLE IF EXISTS qsessions, qsessions_cutoff, qsessions_keys, qsessions_migrations")
		}
	}
	for range 2 {
		if err := migrate(); err != nil {
			t.Fatalf("with all rights: Migrate: %v", err)
		}
	}
	run(t, pool(t, g.driver, g.after), after...)

	clean := []string{"DELETE FROM qsessions", "DELETE FROM qsessions_cutoff", "DELETE FROM qsessions_keys"}
	everything := func() error {
		run(t, g.root, clean...)
		s, err := sqlxstore.Open(t.Context(), g.driver, g.as("qsessions_run"), g.config)
		if err != nil {
			return err
		}
		defer s.Close()
		if err := operate(t, s, ann, bob); err != nil {
			return err
		}
		db := pool(t, g.driver, g.as("qsessions_run"))
		defer db.Close()
		n, err := sqlxstore.New(t.Context(), db, g.config)
		if err != nil {
			return err
		}
		return n.Close()
	}
	if err := everything(); err != nil {
		t.Fatalf("with all rights: %v", err)
	}
	for _, r := range rightsOf(t, "qsessions_run", before, after) {
		run(t, g.root, r.revoke())
		if err := everything(); err == nil {
			t.Errorf("no operation needs %s ON %s", r.name, r.on)
		}
		run(t, g.root, r.grant())
	}
	if err := everything(); err != nil {
		t.Errorf("with all rights again: %v", err)
	}
	if g.config.User.References != "" { // a user who goes takes the sessions along, whichever role deletes
		s, err := sqlxstore.Open(t.Context(), g.driver, g.as("qsessions_run"), g.config)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		run(t, g.root, clean...)
		r := session(ann)
		create(t, s, r)
		run(t, g.root, "DELETE FROM app_users WHERE id = 1")
		if _, err := s.Load(t.Context(), r.ID); err == nil {
			t.Error("the session of a user who is gone is there")
		}
	}
}
