package sqlxstore

import (
	"strings"
	"testing"
)

func TestConfigDefaults(t *testing.T) {
	c, err := Config{}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if c.Table != "qsessions" || c.CutoffTable != "qsessions_cutoff" || c.Retries != 4 {
		t.Errorf("got %+v", c)
	}
	c, err = Config{Table: "auth.web", Retries: -1}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if c.CutoffTable != "auth.web_cutoff" || c.Retries != -1 {
		t.Errorf("got %+v", c)
	}
}

// TestConfigNames: BAD-51. Names are part of the SQL, so nothing but a name may be one.
func TestConfigNames(t *testing.T) {
	long := strings.Repeat("t", 48)
	for _, name := range []string{
		"a b", "a;b", `a"b`, "a`b", "a'b", "a--", "1a", ".a", "a.", "a.b.c", "a.1", "å", "a\x00", "a\n", "a/*", "a\\", long + "t", " a",
	} {
		for _, c := range []Config{{Table: name}, {CutoffTable: name}, {User: UserColumn{References: name + "(id)"}}, {User: UserColumn{References: "users(" + name + ")"}}} {
			if name == long+"t" && c.User.References != "" { // the application's names may be longer
				continue
			}
			if _, err := c.withDefaults(); err == nil {
				t.Errorf("no error for %+v", c)
			}
		}
	}
	for _, c := range []Config{
		{Table: long, CutoffTable: "c"}, {Table: "Ann_2.b"}, {Table: "_"}, {User: UserColumn{References: "public.app_users(id)"}},
	} {
		if _, err := c.withDefaults(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestConfigRefused(t *testing.T) {
	for name, c := range map[string]Config{
		"table too long for a suffix": {Table: strings.Repeat("t", 48)},
		"one table for both":          {Table: "t", CutoffTable: "t"},
		"one table but for case":      {Table: "t", CutoffTable: "T"},
		"the table of the migrations": {Table: "t", CutoffTable: "t_migrations"},
		"the name of an index":        {Table: "t", CutoffTable: "t_user"},
		"the name of its own index":   {Table: "t_at", CutoffTable: "t"},
		"user type":                   {User: UserColumn{Type: UUIDBytes + 1}},
		"reference without a column":  {User: UserColumn{References: "users"}},
		"reference with more behind":  {User: UserColumn{References: "users(id) ON DELETE SET NULL"}},
		"reference with two columns":  {User: UserColumn{References: "users(a,b)"}},
		"negative pool":               {MaxOpenConns: -1},
		"negative idle":               {MaxIdleConns: -1},
		"negative lifetime":           {ConnMaxLifetime: -1},
		"negative time of being idle": {ConnMaxIdleTime: -1},
	} {
		if _, err := c.withDefaults(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, c := range []Config{{Table: "a.b"}, {CutoffTable: "a.b"}, {User: UserColumn{References: "a.b(id)"}}} {
		if _, err := Schema(SQLite, c); err == nil {
			t.Errorf("SQLite: no error for %+v", c)
		}
	}
	if _, err := Schema("oracle", Config{}); err == nil {
		t.Error("no error for an unknown dialect")
	}
	if _, err := New(t.Context(), nil, Config{}); err == nil {
		t.Error("no error without a database")
	}
}

func TestCheckMode(t *testing.T) {
	users := Config{User: UserColumn{References: "users(id)"}}
	for _, k := range []struct {
		mode string
		c    Config
		ok   bool
	}{
		{"ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_DATE", users, true},
		{"STRICT_ALL_TABLES", users, true},
		{"NO_ENGINE_SUBSTITUTION", users, false},
		{"", users, false},
		{"", Config{}, true},
	} {
		if err := checkMode(k.mode, &k.c); (err == nil) != k.ok {
			t.Errorf("%q with %+v: got %v", k.mode, k.c.User, err)
		}
	}
}
