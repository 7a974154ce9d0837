package e2e

import (
	"bufio"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// html-validate 9 is the last that runs on Debian 12's Node.js.
var (
	//go:embed package.json
	packageJSON []byte
	//go:embed package-lock.json
	packageLock []byte
	//go:embed validate.mjs
	validateScript string
)

// nodePackages returns a folder of the user's cache with what package-lock.json says. Another lock is another folder.
func nodePackages(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	cache = filepath.Join(cache, "qsessions-test")
	dir := filepath.Join(cache, fmt.Sprintf("e2e-npm-%x", sha256.Sum256(packageLock))[:24])
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(cache, "e2e-npm-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	for name, b := range map[string][]byte{"package.json": packageJSON, "package-lock.json": packageLock} {
		if err := os.WriteFile(filepath.Join(fresh, name), b, 0o644); err != nil {
			return "", err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=5")
	cmd.Dir = fresh
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w: %w\n%s", err, errMissing, out)
	}
	if err := os.Rename(fresh, dir); err != nil && !errors.Is(err, os.ErrExist) { // another process was faster
		return "", err
	}
	return dir, nil
}

// A validator is a running html-validate. It is safe for concurrent use.
type validator struct {
	cmd    *exec.Cmd
	mu     sync.Mutex
	in     io.WriteCloser
	out    *bufio.Reader
	stderr strings.Builder
}

func startValidator(packages string) (*validator, error) {
	v := &validator{cmd: exec.Command("node", "--input-type=module", "--eval", validateScript)}
	v.cmd.Dir = packages // where imports are looked for
	v.cmd.Stderr = &v.stderr
	in, err := v.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := v.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	v.in, v.out = in, bufio.NewReader(out)
	return v, v.cmd.Start()
}

// validate returns the errors in a page.
func (v *validator) validate(page []byte) (problems []string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	b, err := json.Marshal(string(page))
	if err != nil {
		return nil, err
	}
	if _, err := v.in.Write(append(b, '\n')); err != nil {
		return nil, fmt.Errorf("html-validate: %w", err)
	}
	line, err := v.out.ReadBytes('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("html-validate: %w", err), v.stop(), errors.New(v.stderr.String()))
	}
	return problems, json.Unmarshal(line, &problems)
}

func (v *validator) stop() error {
	return errors.Join(v.in.Close(), v.cmd.Wait())
}
