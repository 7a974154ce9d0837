package geoipdownload

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A Result is a database that is current.
type Result struct {
	Path string
	Date string // of the database
	New  bool   // it was downloaded
}

// Update asks the server which database of the edition it has, and downloads it if the file of Config.Dir is not that one. A
// new database replaces the file in one step, once its checksum is right, and it opens and answers; after an error the old
// file is as it was.
func (c *Client) Update(ctx context.Context, edition string) (res Result, err error) {
	if len(edition) > 64 || !goodEdition.MatchString(edition) {
		return res, fmt.Errorf("%.70q is no edition", edition)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", edition, c.withoutKey(err))
		}
	}()
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.Timeout, fmt.Errorf("the download takes longer than %v", c.cfg.Timeout))
	defer cancel()
	path := filepath.Join(c.cfg.Dir, edition+".mmdb")
	removeLeftovers(path)
	have, err := checksum(path)
	if err != nil {
		return res, err
	}
	ctx, watch := watchStall(ctx, c.cfg.Stall)
	defer watch.stop()
	m, err := c.metadata(ctx, edition)
	if err != nil {
		return res, early(ctx, err)
	}
	res = Result{Path: path, Date: m.Date}
	if m.MD5 == have {
		return res, nil
	}
	if err := c.download(ctx, watch, m, path); err != nil {
		return Result{}, early(ctx, err)
	}
	res.New = true
	return res, nil
}

// download replaces the file by the database of m.
func (c *Client) download(ctx context.Context, watch *stallWatch, m metadata, path string) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), tempPrefix(path)+"*"+tempSuffix)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	watch.alive()
	err = c.fetch(ctx, watch, m, temp)
	watch.done()
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		if errors.Is(err, syscall.ENOSPC) {
			err = fmt.Errorf("there is no room left in %s", filepath.Dir(path))
		}
		return err
	}
	if err := verify(temp.Name(), m.Edition); err != nil {
		return fmt.Errorf("the database does not work, although its checksum is right: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := os.Chmod(temp.Name(), 0o644); err != nil { // it is no secret, and applications of other users read it
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	if dir, err := os.Open(filepath.Dir(path)); err == nil { // so that it is there after a crash; not every file system can
		_ = dir.Sync()
		_ = dir.Close()
	}
	return nil
}

// fetch writes the database of m to w, and checks its sum.
func (c *Client) fetch(ctx context.Context, watch *stallWatch, m metadata, w io.Writer) error {
	response, err := c.get(ctx, m.Edition, "/geoip/databases/"+m.Edition+"/download", url.Values{
		"date": {strings.ReplaceAll(m.Date, "-", "")}, "suffix": {"tar.gz"},
	})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.ContentLength > c.cfg.MaxSize {
		return fmt.Errorf("the archive is too large: %d bytes", response.ContentLength)
	}
	body := &counter{r: response.Body, watch: watch, most: c.cfg.MaxSize, progress: func(got int64) {
		if c.cfg.Progress != nil {
			c.cfg.Progress(m.Edition, got, response.ContentLength)
		}
	}}
	sum := md5.New() // of the protocol; the transport keeps it from being forged
	if err := extract(body, m.Edition+".mmdb", c.cfg.MaxSize, io.MultiWriter(w, sum)); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != m.MD5 {
		return fmt.Errorf("the checksum is wrong: MD5 %s, not %s", got, m.MD5)
	}
	return nil
}

// checksum returns the MD5 of a file in hexadecimal digits, or "" where there is none.
func checksum(path string) (string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() { // to open a pipe would wait for a writer
		return "", fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := md5.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Downloads are written to a file between these two, beside the one that they replace.
func tempPrefix(path string) string { return "." + filepath.Base(path) + "." }

const tempSuffix = ".part"

// removeLeftovers removes what a download that was killed left. One of today may still go on.
func removeLeftovers(path string) {
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasPrefix(e.Name(), tempPrefix(path)) || !strings.HasSuffix(e.Name(), tempSuffix) {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			_ = os.Remove(filepath.Join(dir, e.Name())) // it only takes room
		}
	}
}
