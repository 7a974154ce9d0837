package rueidisstore

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/redis/rueidis"

	"github.com/qsessions/qsessions/core/store"
)

// An entry is a member of an index.
type entry struct{ index, member string }

func (e entry) id() store.ID { return store.ID([]byte(e.member)) }

// appendEntries leaves out what is no id.
func appendEntries(entries []entry, index string, members []string) []entry {
	for _, m := range members {
		if len(m) == len(store.ID{}) {
			entries = append(entries, entry{index, m})
		}
	}
	return entries
}

// entries forgets those that are due, no more than the limit, and moves p behind what it has seen if that is used up.
func (w *sweep) entries(ctx context.Context, entries []entry, p *place) error {
	for len(entries) > 0 && w.left > 0 {
		n, seen, err := w.forget(ctx, entries[:min(len(entries), batchSize)])
		w.left -= n
		if err != nil {
			return err
		}
		last := entries[seen-1]
		p.index, p.member = last.index, last.member
		entries = entries[seen:]
	}
	return nil
}

// forget removes records that are due, up to the limit, and all entries whose record is gone. It returns how many records
// those are, and how many of the entries it has seen until then. Two sweepers count no record twice, and entries that are
// left of what the server removed are not counted.
func (w *sweep) forget(ctx context.Context, entries []entry) (n, seen int, err error) {
	heads := func(b rueidis.Builder) rueidis.Commands {
		commands := make(rueidis.Commands, len(entries), len(entries)+1)
		for i, e := range entries {
			commands[i] = b.Getrange().Key(w.recordKey(e.id())).Start(0).End(atUser - 1).Build()
		}
		return commands
	}
	var gone, due []entry
	var calls []call
	for i, result := range w.do(ctx, true, len(entries), heads) {
		if len(due) == w.left {
			break
		}
		seen++
		value, err := result.AsBytes()
		if answers(err, "WRONGTYPE") {
			continue
		}
		if err != nil {
			return 0, 0, err
		}
		e := entries[i]
		switch {
		case len(value) == 0 && madeAt(e.id()).Before(w.before.Add(-entryAge)):
			gone = append(gone, e)
		case w.due(value):
			due = append(due, e)
			calls = append(calls, call{forgetScript, w.recordKey(e.id()), []string{string(value[:atAuth])}})
		}
	}
	if len(calls) > 0 {
		for i, result := range w.run(ctx, calls...) {
			forgot, e := result.AsInt64()
			if e != nil && err == nil {
				err = e
			}
			if forgot == 1 { // else it was changed just now
				n++
				gone = append(gone, due[i])
			}
		}
	}
	if err != nil || len(gone) == 0 {
		return n, seen, err
	}
	return n, seen, firstError(w.do(ctx, false, len(gone), func(b rueidis.Builder) rueidis.Commands {
		commands := make(rueidis.Commands, len(gone))
		for i, e := range gone {
			commands[i] = b.Zrem().Key(e.index).Member(e.member).Build()
		}
		return commands
	}))
}

// due reports whether a value begins as that of an expired or removed record does.
func (w *sweep) due(value []byte) bool {
	if len(value) < atUser || value[0] != live && !isNote(value) {
		return false
	}
	return timeAt(value, atExpires).Before(w.before) || isNote(value) && timeAt(value, atSeen).Before(w.before)
}

// madeAt is the time in an id.
func madeAt(id store.ID) time.Time {
	var b [8]byte
	copy(b[2:], id[:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b[:])))
}
