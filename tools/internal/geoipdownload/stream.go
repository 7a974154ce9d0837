package geoipdownload

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"time"
)

var errStalled = errors.New("the server has stopped sending")

// A stallWatch cancels a context when nothing has come for a while.
type stallWatch struct {
	timer  *time.Timer
	wait   time.Duration
	cancel context.CancelCauseFunc
}

func watchStall(ctx context.Context, wait time.Duration) (context.Context, *stallWatch) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &stallWatch{time.AfterFunc(wait, func() { cancel(errStalled) }), wait, cancel}
}

// alive is told that something has come, and done that nothing has to come any more.
func (w *stallWatch) alive() { w.timer.Reset(w.wait) }
func (w *stallWatch) done()  { w.timer.Stop() }

func (w *stallWatch) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// early returns err, or why the context ended, in words that people understand.
func early(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the answer ended too early")
	}
	return err
}

var errTooLarge = errors.New("the archive is too large")

// A counter reads what the server sends, up to a size.
type counter struct {
	r         io.Reader
	watch     *stallWatch
	got, most int64
	progress  func(got int64)
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	if c.got += int64(n); c.got > c.most {
		return 0, errTooLarge
	}
	if n > 0 {
		c.watch.alive()
		c.progress(c.got)
	}
	return n, err
}

// A limit fails after n bytes, where io.LimitReader would pretend that it is the end.
type limit struct {
	r io.Reader
	n int64
}

func (l *limit) Read(b []byte) (int, error) {
	n, err := l.r.Read(b)
	if l.n -= int64(n); l.n < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// extract writes the file of a name, in whichever folder, from a tar.gz archive to w. Names in the archive name nothing here,
// but an archive with one that leads out of its folder is not what MaxMind makes.
func extract(r io.Reader, name string, maxSize int64, w io.Writer) error {
	z, err := gzip.NewReader(r)
	if err != nil {
		return archiveError(err)
	}
	const around = 1 << 20 // headers, and files beside the database
	archive := tar.NewReader(&limit{z, maxSize + around})
	for {
		h, err := archive.Next()
		if err == io.EOF {
			return fmt.Errorf("there is no %s in the archive", name)
		}
		if err != nil {
			return archiveError(err)
		}
		if !filepath.IsLocal(h.Name) {
			return errors.New("the archive has a file that leads out of its folder")
		}
		if h.Typeflag != tar.TypeReg || path.Base(h.Name) != name {
			continue
		}
		if h.Size > maxSize {
			return errTooLarge
		}
		if _, err := io.Copy(w, archive); err != nil {
			return archiveError(err)
		}
		return nil
	}
}

// archiveError says whose fault it is that an archive cannot be read.
func archiveError(err error) error {
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, tar.ErrHeader) || errors.Is(err, io.EOF) {
		return fmt.Errorf("the answer is no archive: %w", err)
	}
	return err
}
