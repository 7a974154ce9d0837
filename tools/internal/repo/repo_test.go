package repo_test

import (
	"slices"
	"testing"

	"golang.org/x/mod/modfile"

	"github.com/qsessions/qsessions/tools/internal/repo"
	"github.com/qsessions/qsessions/tools/internal/repo/repotest"
)

// TestPublished names this repository's modules that are never tagged.
func TestPublished(t *testing.T) {
	for name, want := range map[string]bool{
		"core": true, "backend/sqlx": true, "backend/sqlx/itest": false, "tools": false, "testserver": false,
	} {
		if got := (repo.Module{Name: name}).Published(); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// TestOpenCommit reads the commit and not the directory.
func TestOpenCommit(t *testing.T) {
	dir := t.TempDir()
	repotest.Right().Write(t, dir)
	repotest.Commit(t, dir)
	repotest.Files{"backend/x/go.mod": repotest.GoMod("backend/x", "core v0.9.0"), "core/go.sum": ""}.Write(t, dir)
	for _, row := range []struct {
		open func() (*repo.Repo, error)
		want string
		sum  bool
	}{
		{func() (*repo.Repo, error) { return repo.Open(dir) }, "v0.9.0", true},
		{func() (*repo.Repo, error) { return repo.OpenCommit(dir, "HEAD") }, "v0.1.0", false},
	} {
		r, err := row.open()
		if err != nil {
			t.Fatal(err)
		}
		version, problems := r.Version()
		if version != row.want || len(problems) > 0 {
			t.Errorf("got version %s and problems %q, want %s and none", version, problems, row.want)
		}
		if core := r.Modules[1]; core.Name != "core" || core.Sum != row.sum {
			t.Errorf("got module %s, go.sum %v, want core, %v", core.Name, core.Sum, row.sum)
		}
	}
}

// TestBump rewrites the requirements, and nothing else.
func TestBump(t *testing.T) {
	dir := t.TempDir()
	repotest.Right().Write(t, dir)
	for _, bad := range []string{"", "0.2.0", "v0.2", "v0.0.0", "latest"} {
		if _, err := open(t, dir).Bump(bad); err == nil {
			t.Errorf("the version %q is accepted", bad)
		}
	}
	changed, err := open(t, dir).Bump("v0.2.0")
	if err != nil || len(changed) != 1 {
		t.Fatalf("got %q, %v, want one changed file", changed, err)
	}
	r := open(t, dir)
	if version, problems := r.Version(); version != "v0.2.0" || len(problems) > 0 {
		t.Errorf("got version %s and problems %q, want v0.2.0 and none", version, problems)
	}
	if got, want := r.Modules[0].Pins(), []repo.Pin{{Name: "core", Version: "v0.2.0"}}; !slices.Equal(got, want) {
		t.Errorf("got the pins %v, want %v", got, want)
	}
}

func open(t *testing.T, dir string) *repo.Repo {
	t.Helper()
	r, err := repo.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestAtLeast: RPT-47. A requirement that is older than consumers may get by it is named.
func TestAtLeast(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]int{"v1.0.0": 1, "v1.1.0": 0, "v1.2.0": 0} {
		mod, err := modfile.Parse("go.mod", []byte("module "+repo.Prefix+"backend/x\n\nrequire example.org/lib "+version+"\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		r := &repo.Repo{Modules: []repo.Module{{Name: "backend/x", Mod: mod}}}
		problems := r.Requirements(map[string]repo.Rule{"backend/x": {
			Require: []string{"example.org/lib"}, AtLeast: map[string]string{"example.org/lib": "v1.1.0"},
		}})
		if len(problems) != want {
			t.Errorf("%s: got %q, want %d problems", version, problems, want)
		}
	}
	if rule := repo.Rules()["adapters/fiber"]; rule.AtLeast["github.com/gofiber/fiber/v3"] == "" || rule.AtLeast["github.com/valyala/fasthttp"] == "" {
		t.Error("Fiber and fasthttp have no oldest version")
	}
}
