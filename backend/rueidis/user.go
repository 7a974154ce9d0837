package rueidisstore

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/rueidis"

	"github.com/qsessions/qsessions/core/store"
)

// cutoffTime is how long a cut-off is known. The session manager refuses credentials older than an hour.
const cutoffTime = 25 * time.Hour

// DeleteUser implements [store.Indexed]. The cut-off is known before the index is read: a login that writes its record and
// then asks for the cut-off is found here, or sees it. A session that a failover has taken out of the index is not found
// until it is used again. Records go 200 at a time. An error after the first of them comes with the ids of those that are
// gone, and of those that may be. A server whose memory is too full for the cut-off loses the records first, and is then
// asked once more.
func (s *Store) DeleteUser(ctx context.Context, user string, cutoff time.Time, keep ...store.ID) ([]store.ID, error) {
	const op = "delete user"
	if len(user) > store.MaxUser {
		return nil, fmt.Errorf("rueidisstore: %s: %w", op, store.ErrTooLarge)
	}
	unknown := s.publish(ctx, user, cutoff)
	if unknown != nil && !full(unknown) {
		return nil, s.fail(ctx, op, unknown)
	}
	gone, err := s.removeUser(ctx, user, cutoff, keep)
	if err == nil && unknown != nil {
		if err = s.publish(ctx, user, cutoff); err == nil {
			var more []store.ID
			more, err = s.removeUser(ctx, user, cutoff, keep)
			gone = append(gone, more...) // which names what has left a note again
			slices.SortFunc(gone, func(a, b store.ID) int { return bytes.Compare(a[:], b[:]) })
			gone = slices.Compact(gone)
		}
	}
	if err != nil {
		return gone, s.fail(ctx, op, err)
	}
	return gone, nil
}

// publish makes a cut-off known.
func (s *Store) publish(ctx context.Context, user string, cutoff time.Time) error {
	ttl := cutoffTime + min(max(time.Until(cutoff), 0), maxKeep) // a cut-off in the future is a clock that is ahead
	return s.run(ctx, call{cutoffScript, s.cutoffKey(user), []string{timeField(cutoff), number(ttl.Milliseconds())}})[0].Error()
}

// removeUser removes the user's records that authenticated before the cut-off, and returns their ids and those of the
// ones that were removed before.
func (s *Store) removeUser(ctx context.Context, user string, cutoff time.Time, keep []store.ID) (gone []store.ID, err error) {
	for p := (page{more: true}); p.more; {
		if p, err = s.userPage(ctx, user, p.last, batchSize); err != nil {
			return gone, err
		}
		ids := slices.DeleteFunc(p.ids, func(id store.ID) bool { return slices.Contains(keep, id) })
		if len(ids) == 0 {
			continue
		}
		calls := make([]call, len(ids))
		for i, id := range ids {
			calls[i] = s.remove(id, userField(user), timeField(cutoff))
		}
		for i, result := range s.run(ctx, calls...) {
			n, e := result.AsInt64()
			if e != nil && err == nil {
				err = e
			}
			_, refused := rueidis.IsRedisErr(e)
			if n == 1 || e != nil && !refused {
				gone = append(gone, ids[i])
			}
		}
		if err != nil {
			return gone, err
		}
	}
	return gone, nil
}

// Cutoff implements [store.Indexed].
func (s *Store) Cutoff(ctx context.Context, user string) (time.Time, error) {
	value, err := s.get(ctx, s.cutoffKey(user))
	if rueidis.IsRedisNil(err) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, s.fail(ctx, "cut-off", err)
	}
	if len(value) != timeSize {
		return time.Time{}, fmt.Errorf("rueidisstore: cut-off: the value is none: %w", store.ErrUnavailable)
	}
	return timeAt(value, 0), nil
}
