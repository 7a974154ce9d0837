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

// consumer is a module of somebody else, in a clean directory with a clean module cache, that asks for one of ours.
type consumer struct {
	module, version string
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
	err       error    // why it does not build
}

// check builds the consumer with third-party modules from the local module cache alone, and, where that fails, once
// more with the configured proxy.
func (c consumer) check(ctx context.Context, proxyDir, realCache, goproxy string) result {
	ours := "file://" + filepath.ToSlash(proxyDir)
	local := "file://" + filepath.ToSlash(filepath.Join(realCache, "cache", "download"))
	base := c.dir
	var res result
	for attempt, settings := range [][]string{
		{"GOPROXY=" + ours + "," + local + ",off", "GOSUMDB=off"},
		{"GOPROXY=" + ours + "," + local + "," + goproxy, "GONOSUMDB=" + repo.Prefix + "*"},
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
		res = c.build(ctx)
		if !errors.Is(res.err, errDownload) || ctx.Err() != nil {
			break
		}
	}
	return res
}

// errDownload means that a module cannot be had.
var errDownload = errors.New("cannot download")

func (c consumer) build(ctx context.Context) (res result) {
	work := filepath.Join(c.dir, "work")
	if res.err = os.MkdirAll(work, 0o755); res.err != nil {
		return res
	}
	defer func() {
		var err error
		if res.zips, err = downloaded(filepath.Join(c.dir, "modcache")); err != nil {
			res.err = errors.Join(res.err, err)
		}
		res.downloads = len(res.zips)
	}()
	if _, res.err = c.goCommand(ctx, "mod", "init", "example.org/consumer"); res.err != nil {
		return res
	}
	if _, err := c.goCommand(ctx, "get", c.module+"@"+c.version); err != nil {
		res.err = fmt.Errorf("%w: %w", errDownload, err)
		return res
	}
	list, err := c.goCommand(ctx, "list", "-e", "-f", "{{.Name}} {{.ImportPath}}", c.module+"/...")
	if err != nil {
		res.err = err
		return res
	}
	var program strings.Builder
	program.WriteString("package main\n\nimport (\n")
	for line := range strings.Lines(list) {
		name, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" || name == "main" || strings.Contains(path+"/", "/internal/") {
			continue
		}
		fmt.Fprintf(&program, "\t_ %q\n", path)
		res.packages++
	}
	program.WriteString(")\n\nfunc main() {}\n")
	if res.packages == 0 {
		res.err = errors.New("has no package to import")
		return res
	}
	if res.err = os.WriteFile(filepath.Join(work, "main.go"), []byte(program.String()), 0o644); res.err != nil {
		return res
	}
	for _, args := range [][]string{
		{"mod", "tidy"},
		{"build", "-o", os.DevNull, "."},
		{"vet", c.module + "/..."},
		{"mod", "verify"},
	} {
		if _, err := c.goCommand(ctx, args...); err != nil {
			if args[1] == "tidy" {
				err = fmt.Errorf("%w: %w", errDownload, err)
			}
			res.err = err
			return res
		}
	}
	graph, err := c.goCommand(ctx, "list", "-m", "all") // needs go.mod files that building does not
	if err != nil {
		res.err = fmt.Errorf("%w: %w", errDownload, err)
		return res
	}
	for line := range strings.Lines(graph) {
		path, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if path != "example.org/consumer" {
			res.graph = append(res.graph, path)
		}
	}
	return res
}

func (c consumer) goCommand(ctx context.Context, args ...string) (string, error) {
	fmt.Fprintf(c.log, "%s: go %s\n", strings.TrimPrefix(c.module, repo.Prefix), strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(c.dir, "work")
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
