package pages

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// The bounds of a search for text, and of a count.
const (
	maxScan   = 10_000
	scanTime  = 2 * time.Second
	scanChunk = 50
	listTime  = 5 * time.Second // of a list, whatever plan a database makes, and of a text search with its enrichers
)

// each is Manager.Scan with an end: after listTime, [session.ErrUnavailable].
func (v *view) each(q session.Query) iter.Seq2[session.Info, error] {
	return func(yield func(session.Info, error) bool) {
		ctx, cancel := context.WithTimeout(v.r.Context(), listTime)
		defer cancel()
		for i, err := range v.sessions.Scan(ctx, q) {
			if !yield(i, err) {
				return
			}
		}
	}
}

// found is a page of sessions.
type found struct {
	sessions []session.Info
	next     session.ID // after which to go on; zero: that was all
	scanned  int
}

// search returns up to limit sessions of f; those that were found by their text are described.
func (v *view) search(f Filter, after session.ID, limit int) (found, error) {
	q, ok := f.query(v.session.User(), time.Now())
	if !ok {
		return found{}, nil
	}
	q.After = after
	if f.Text != "" {
		return v.scan(q, f.Text, limit)
	}
	q.Limit = limit + 1
	infos, err := session.Collect(v.each(q))
	if err != nil {
		return found{}, err
	}
	infos, next := cut(infos, limit)
	return found{infos, next, len(infos)}, nil
}

// scan looks for text in the descriptions of the sessions of q. No index serves that: it ends after 10,000 sessions, or 2
// seconds.
func (v *view) scan(q session.Query, text string, limit int) (f found, err error) {
	text = strings.ToLower(text)
	q.Limit = maxScan
	end := time.Now().Add(scanTime)
	chunk := make([]session.Info, 0, scanChunk)
	full := false
	flush := func() {
		v.sessions.DescribeAll(v.context(), chunk)
		for _, i := range chunk {
			f.scanned++
			f.next = i.ID
			if matches(i, text) {
				if f.sessions = append(f.sessions, i); len(f.sessions) == limit {
					full = true
					return
				}
			}
		}
		full = time.Now().After(end)
		chunk = chunk[:0]
	}
	for i, err := range v.each(q) {
		if err != nil {
			return found{}, err
		}
		if chunk = append(chunk, i); len(chunk) < scanChunk {
			continue
		}
		if flush(); full {
			return f, nil
		}
	}
	if flush(); !full && f.scanned < maxScan {
		f.next = session.ID{}
	}
	return f, nil
}

func matches(i session.Info, text string) bool {
	for _, s := range [...]string{i.UserAgent, i.Device.String(), i.Device.Short(), i.Location.String()} {
		if strings.Contains(strings.ToLower(s), text) {
			return true
		}
	}
	for _, s := range i.Extra {
		if strings.Contains(strings.ToLower(s), text) {
			return true
		}
	}
	return false
}

// count counts the sessions of f after an id, but the operator's own, up to maxScan; more says that there are more. Of a
// search for text it counts what is found within the bounds of one.
func (v *view) count(f Filter, after session.ID) (n int, more bool, err error) {
	if _, whole := f.wholeUser(v.session.User()); whole {
		f.State = "active" // RevokeUser counts no others
	}
	q, ok := f.query(v.session.User(), time.Now())
	if !ok {
		return 0, false, nil
	}
	q.After = after
	if f.Text != "" {
		found, err := v.scan(q, f.Text, maxScan)
		others := slices.DeleteFunc(found.sessions, func(i session.Info) bool { return i.Current })
		return len(others), !found.next.IsZero(), err
	}
	q.Limit = maxScan + 2
	for i, err := range v.each(q) {
		if err != nil {
			return 0, false, err
		}
		if !i.Current {
			n++
		}
	}
	return min(n, maxScan), n > maxScan, nil
}
