package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/qsessions/qsessions/tools/internal/repo"
)

// consumer is a module of a user, in a clean directory with a clean module cache, that asks for one of ours.
type consumer struct {
	module, version string
	get             []string // what `go get` is asked for
	dir             string
	env             []string
	log             io.Writer
}

// result is what a consumer got.
type result struct {
	packages  int      // how many packages of the module it imports
	graph     []string // paths of the modules in its build list, without its own
	zips      []string // the modules it downloaded
	downloads int      // len(zips)
	untidy    error    // why it does not build right after `go get`
	err       error    // why it does not build
}

// try runs steps on the consumer in a clean directory, with third-party modules from the local module cache alone, and,
// where that fails, once more with the configured proxy. It returns the consumer of the last attempt.
func (c consumer) try(ctx context.Context, p proxies, steps func(consumer) error) (consumer, error) {
	ours := "file://" + filepath.ToSlash(p.ours)
	local := "file://" + filepath.ToSlash(filepath.Join(p.modcache, "cache", "download"))
	base := c.dir
	var err error
	for attempt, settings := range [][]string{
		{"GOPROXY=" + ours + "," + local + ",off", "GOSUMDB=off"},
		{"GOPROXY=" + ours + "," + local + "," + p.goproxy, "GONOSUMDB=" + repo.Prefix + "*"},
	} {
		// A clean one each time: the cache may hold half of the first attempt.
		c.dir = filepath.Join(base, fmt.Sprint(attempt))
		c.env = append(os.Environ(),
			"GOENV=off", "GOWORK=off", "GOTOOLCHAIN=local",
			"GOPRIVATE=", "GONOPROXY=none", "GOVCS=*:off", // our modules come from the proxy alone
			"GOFLAGS=-modcacherw -trimpath", // removable; and the build cache serves all consumers
			"GOMODCACHE="+filepath.Join(c.dir, "modcache"),
		)
		c.env = append(c.env, settings...)
		err = steps(c)
		if !errors.Is(err, errDownload) || ctx.Err() != nil {
			break
		}
	}
	return c, err
}

// proxies say where a consumer gets modules from.
type proxies struct {
	ours     string // directory of a proxy with our modules
	modcache string // the module cache that has the third-party modules
	goproxy  string // where they are otherwise
}

// errDownload means that a module cannot be had.
var errDownload = errors.New("cannot download")

// check builds the consumer.
func (c consumer) check(ctx context.Context, p proxies) (res result) {
	c, res.err = c.try(ctx, p, func(c consumer) error {
		var err error
		if res.packages, err = c.create(ctx); err != nil {
			return err
		}
		_, res.untidy = c.goCommand(ctx, "build", "-o", os.DevNull, ".")
		if err := c.tidy(ctx); err != nil {
			return err
		}
		res.graph, err = c.build(ctx)
		return err
	})
	var err error
	if res.zips, err = downloaded(filepath.Join(c.dir, "modcache")); err != nil {
		res.err = errors.Join(res.err, err)
	}
	res.downloads = len(res.zips)
	return res
}

// begin makes a module, and asks for others.
func (c consumer) begin(ctx context.Context) error {
	if err := os.MkdirAll(c.work(), 0o755); err != nil {
		return err
	}
	if _, err := c.goCommand(ctx, "mod", "init", "example.org/consumer"); err != nil {
		return err
	}
	if _, err := c.goCommand(ctx, append([]string{"get"}, c.get...)...); err != nil {
		return fmt.Errorf("%w: %w", errDownload, err)
	}
	return nil
}

// create writes a program that imports every package of the module, and returns how many these are.
func (c consumer) create(ctx context.Context) (packages int, err error) {
	if err := c.begin(ctx); err != nil {
		return 0, err
	}
	imports, err := c.packages(ctx, c.module)
	if err != nil {
		return 0, err
	}
	return len(imports), os.WriteFile(filepath.Join(c.work(), "main.go"), []byte(importing(imports)), 0o644)
}

// packages returns the packages of a module that can be imported.
func (c consumer) packages(ctx context.Context, module string) (paths []string, err error) {
	list, err := c.goCommand(ctx, "list", "-e", "-f", "{{.Name}} {{.ImportPath}}", module+"/...")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(list) {
		name, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" || name == "main" || strings.Contains(path+"/", "/internal/") {
			continue
		}
		paths = append(paths, path)
	}
	if len(paths) == 0 {
		return nil, errors.New("has no package to import")
	}
	return paths, nil
}

// importing returns a program that does nothing but import.
func importing(paths []string) string {
	var program strings.Builder
	program.WriteString("package main\n\nimport (\n")
	for _, path := range paths {
		fmt.Fprintf(&program, "\t_ %q\n", path)
	}
	program.WriteString(")\n\nfunc main() {}\n")
	return program.String()
}

func (c consumer) tidy(ctx context.Context) error {
	if _, err := c.goCommand(ctx, "mod", "tidy"); err != nil {
		return fmt.Errorf("%w: %w", errDownload, err)
	}
	return nil
}

// build compiles and verifies the program, and returns the paths of the modules in its build list without its own.
func (c consumer) build(ctx context.Context) (graph []string, err error) {
	for _, args := range [][]string{
		{"build", "-o", os.DevNull, "."},
		{"vet", c.module + "/..."},
		{"mod", "verify"},
	} {
		if _, err := c.goCommand(ctx, args...); err != nil {
			return nil, err
		}
	}
	list, err := c.goCommand(ctx, "list", "-m", "all") // needs go.mod files that building does not
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDownload, err)
	}
	for line := range strings.Lines(list) {
		path, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if path != "example.org/consumer" {
			graph = append(graph, path)
		}
	}
	return graph, nil
}

func (c consumer) work() string { return filepath.Join(c.dir, "work") }

func (c consumer) goCommand(ctx context.Context, args ...string) (string, error) {
	fmt.Fprintf(c.log, "%s: go %s\n", strings.TrimPrefix(c.module, repo.Prefix), strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = c.work()
	cmd.Env = c.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("a consumer cannot `go %s`: %w\n%s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.String(), nil
}

// downloaded lists the modules whose content is in the module cache.
func downloaded(cache string) ([]string, error) {
	root := filepath.Join(cache, "cache", "download")
	var zips []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && filepath.Ext(path) == ".zip" {
			name, err := filepath.Rel(root, path)
			zips = append(zips, strings.TrimSuffix(strings.Replace(filepath.ToSlash(name), "/@v/", "@", 1), ".zip"))
			return err
		}
		return err
	})
	return zips, err
}

// goEnv asks the go command for settings.
func goEnv(ctx context.Context, names ...string) (map[string]string, error) {
	output, err := exec.CommandContext(ctx, "go", append([]string{"env"}, names...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	values := map[string]string{}
	for i, line := range strings.Split(strings.TrimSuffix(string(output), "\n"), "\n") {
		values[names[i]] = line
	}
	return values, nil
}
