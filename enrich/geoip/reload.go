package geoip

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"
)

// A source is where a database comes from, and what came from there last.
type source struct {
	kind     kind
	field    string   // of Config
	paths    []string // the first one that is there counts
	optional bool     // until it has been there once

	db    *database
	path  string      // of db
	tried fs.FileInfo // the file that gave db, or err
	err   error
}

// Run reads each file again that was replaced or written to, within Config.PollEvery, until ctx is done or the reader is
// closed; then it returns nil. Look-ups go on meanwhile, with the old data until the new is complete. If a file is missing or bad
// the old data stay, and that is logged as one warning.
func (r *Reader) Run(ctx context.Context) error {
	ticker := time.NewTicker(r.cfg.PollEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.closed:
			return nil
		case <-ticker.C:
		}
		news, _ := r.reload(false)
		for _, s := range news {
			if s.err != nil {
				r.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "geoip: the old database stays", slog.Any("error", s.err))
				continue
			}
			meta := s.db.reader.Metadata()
			r.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "geoip: new database", slog.String("type", meta.DatabaseType), slog.Time("built", meta.BuildTime()))
		}
	}
}

// Reload reads all files again now. Where that fails the old data stay, and the error says why. Whoever replaces the files may
// call it instead of Run, or beside it.
func (r *Reader) Reload() error {
	_, bad := r.reload(true)
	return errors.Join(bad...)
}

// reload tries the sources whose files have changed, or all, and returns copies of those with news: a database or another
// error. The errors are those of all files that are bad.
func (r *Reader) reload(all bool) (news []source, bad []error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.data.Load() == nil {
		return nil, []error{errClosed}
	}
	next := new(databases)
	for _, s := range r.sources {
		if s.update(all) {
			news = append(news, *s)
		}
		if s.err != nil {
			bad = append(bad, s.err)
		}
		switch s.kind {
		case city:
			next.city = s.db
		case country:
			next.country = s.db
		default:
			next.anonymous = s.db
		}
	}
	r.data.Store(next)
	return news, bad
}

// update tries the file if it has changed, or in any case, and reports whether there is news.
func (s *source) update(force bool) bool {
	path, info, err := s.find()
	if err == nil && info == nil { // optional, and not there
		s.tried, s.err = nil, nil
		return false
	}
	if err == nil && same(info, s.tried) && !force {
		return false
	}
	var db *database
	if err == nil {
		db, err = read(path, s.kind)
	}
	if err != nil {
		err = fmt.Errorf("geoip: Config.%s: %w", s.field, err)
		again := same(info, s.tried) || info == nil && s.tried == nil
		again = again && s.err != nil && s.err.Error() == err.Error()
		s.tried, s.err = info, err
		return !again
	}
	s.db, s.path, s.tried, s.err = db, path, info, nil
	return true
}

// find returns the file that counts, or no info where none needs to be.
func (s *source) find() (string, fs.FileInfo, error) {
	var missing error
	for _, path := range s.paths {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if missing == nil || path == s.path {
				missing = err
			}
			continue
		case err != nil:
			return "", nil, err
		case !info.Mode().IsRegular(): // to open a pipe would wait for a writer
			return "", nil, fmt.Errorf("%s is no regular file", path)
		}
		return path, info, nil
	}
	if s.optional && s.db == nil {
		return "", nil, nil
	}
	return "", nil, missing
}
