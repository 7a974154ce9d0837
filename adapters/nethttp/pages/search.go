package pages

import (
	"bytes"
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
	return v.eachIn(v.r.Context(), q)
}

func (v *view) eachIn(ctx context.Context, q session.Query) iter.Seq2[session.Info, error] {
	return func(yield func(session.Info, error) bool) {
		ctx, cancel := context.WithTimeout(ctx, listTime)
		defer cancel()
		for i, err := range v.sessions.Scan(ctx, q) {
			if !yield(i, err) {
				return
			}
		}
	}
}

// eachOf is each for the sessions of several users, in one order. It reads parts of q.Limit or less, so that no two queries
// of the store are open at the same time. listTime is for all of them together.
func (v *view) eachOf(q session.Query, w whose) iter.Seq2[session.Info, error] {
	if w.users == nil {
		return v.each(q)
	}
	users := w.users
	if q.User != "" {
		if !slices.Contains(users, q.User) {
			return func(func(session.Info, error) bool) {}
		}
		users = []string{q.User}
	}
	if len(users) == 1 {
		q.User = users[0]
		return v.each(q)
	}
	return func(yield func(session.Info, error) bool) {
		ctx, cancel := context.WithTimeout(v.r.Context(), listTime)
		defer cancel()
		left, most := q.Limit, revokeBatch
		for left > 0 {
			var part []session.Info
			q.Limit = min(left, most)
			for _, user := range users {
				q.User = user
				infos, err := session.Collect(v.eachIn(ctx, q))
				if err != nil {
					yield(session.Info{}, err)
					return
				}
				part = append(part, infos...)
			}
			slices.SortFunc(part, func(x, y session.Info) int { return bytes.Compare(y.ID[:], x.ID[:]) })
			last := len(part) < q.Limit
			part = part[:min(len(part), q.Limit)]
			for _, i := range part {
				if !yield(i, nil) {
					return
				}
			}
			if last || len(part) == 0 {
				return
			}
			left -= len(part)
			q.After = part[len(part)-1].ID
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
func (v *view) search(f Filter, w whose, after session.ID, limit int) (found, error) {
	q, ok := f.query(v.session.User(), time.Now())
	if !ok {
		return found{}, nil
	}
	q.After = after
	if f.scans() {
		return v.scan(q, f, w, limit)
	}
	q.Limit = limit + 1
	infos, err := session.Collect(v.eachOf(q, w))
	if err != nil {
		return found{}, err
	}
	infos, next := cut(infos, limit)
	return found{infos, next, len(infos)}, nil
}

// scan looks at each of the sessions of q for the text of f in its description, and for a range of addresses. No index serves
// that: it ends after 10,000 sessions, or 2 seconds.
func (v *view) scan(q session.Query, filter Filter, w whose, limit int) (f found, err error) {
	text := strings.ToLower(filter.Text)
	q.Limit = maxScan
	end := time.Now().Add(scanTime)
	v.describeEnd = end // a session without a description is not found
	chunk := make([]session.Info, 0, scanChunk)
	full := false
	flush := func() {
		if text != "" {
			if v.describe(chunk); time.Now().After(end) && f.scanned > 0 {
				full = true // some may have no description: the next page looks at them
				return
			}
		}
		for _, i := range chunk {
			f.scanned++
			f.next = i.ID
			if filter.lets(i) && (text == "" || matches(i, text)) {
				if f.sessions = append(f.sessions, i); len(f.sessions) == limit {
					full = true
					return
				}
			}
		}
		full = time.Now().After(end)
		chunk = chunk[:0]
	}
	for i, err := range v.eachOf(q, w) {
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
// search that looks at each session it counts those found within the bounds of one.
func (v *view) count(f Filter, w whose, after session.ID) (n int, more bool, err error) {
	q, ok := f.query(v.session.User(), time.Now())
	if !ok {
		return 0, false, nil
	}
	q.After = after
	if f.scans() {
		found, err := v.scan(q, f, w, maxScan)
		others := slices.DeleteFunc(found.sessions, func(i session.Info) bool { return i.Current })
		return len(others), !found.next.IsZero(), err
	}
	q.Limit = maxScan + 2
	for i, err := range v.eachOf(q, w) {
		if err != nil {
			return 0, false, err
		}
		if !i.Current {
			n++
		}
	}
	return min(n, maxScan), n > maxScan, nil
}
