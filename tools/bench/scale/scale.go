// Package scale compares stores of many sessions with small ones: the time of a load, of a user's list, and of
// revocations.
package scale

import (
	"context"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// PerUser is how many sessions each user has.
const PerUser = 10

// A Set is the sessions in a store: the i-th one belongs to user i modulo the number of users, and its id can be computed,
// so that none need be remembered.
type Set struct {
	Name  string
	Store store.Indexed
	N     int
	Began time.Time // of the first one; they began within an hour
}

// span is the time in which sessions began.
const span = time.Hour

func (s *Set) users() int { return s.N / PerUser }

// began is when the i-th session did, in milliseconds.
func (s *Set) began(i int) int64 {
	return s.Began.UnixMilli() + int64(i)*span.Milliseconds()/int64(s.N)
}

// id is that of the i-th session: its time, and bits that look like random ones. fillText has the same in SQL.
func (s *Set) id(i int) (id store.ID) {
	sum := md5.Sum(fmt.Append(nil, i))
	copy(id[:], binary.BigEndian.AppendUint64(nil, uint64(s.began(i)))[2:])
	copy(id[6:], sum[:10])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

func user(n int) string { return fmt.Sprint("user-", n) }

// A Line compares an operation.
type Line struct {
	Operation    string
	Small, Large time.Duration // the medians
	Ratio        float64
}

// Compare measures the operations of a session manager, one after the other, on both sets in turn. It revokes some of
// their sessions. samples bounds how often each is measured.
func Compare(ctx context.Context, small, large *Set, samples int) ([]Line, error) {
	samples = min(samples, small.users()/2)
	if samples < 1 || large.N < small.N {
		return nil, errors.New("too few sessions")
	}
	var both [2]*measured
	for i, s := range []*Set{small, large} {
		m, err := session.New(s.Store, session.Config{})
		if err != nil {
			return nil, err
		}
		both[i] = &measured{Set: s, m: m, samples: samples}
	}
	var lines []Line
	for _, o := range []struct {
		name  string
		times int
		do    func(*measured, context.Context, int) error
	}{
		{"load", 10 * samples, (*measured).load},
		{"list of a user's", samples, (*measured).list},
		{"revoke one", samples, (*measured).revoke},
		{"revoke a user's", samples, (*measured).revokeUser},
	} {
		var took [2][]time.Duration
		for k := range o.times {
			for j := range both {
				which := (j + k) % 2
				start := time.Now()
				if err := o.do(both[which], ctx, k); err != nil {
					return nil, fmt.Errorf("%s, %s: %w", both[which].Name, o.name, err)
				}
				took[which] = append(took[which], time.Since(start))
			}
		}
		l := Line{Operation: o.name, Small: median(took[0]), Large: median(took[1])}
		l.Ratio = float64(l.Large) / float64(max(l.Small, 1))
		lines = append(lines, l)
	}
	return lines, nil
}

// median leaves the first tenth out: connections, plans and the buffers of servers warm up.
func median(d []time.Duration) time.Duration {
	d = slices.Clone(d[len(d)/10:])
	slices.Sort(d)
	return d[len(d)/2]
}

type measured struct {
	*Set
	m       *session.Manager
	samples int
}

// pick returns the k-th user that is looked at: an even one or an odd one, as far from the others as there is room.
func (s *measured) pick(k, odd int) int {
	stride := s.users() / 2 / s.samples
	return 2*(k*stride+rand.IntN(stride)) + odd
}

// of is the j-th session of a user.
func (s *measured) of(user, j int) store.ID { return s.id(user + j*s.users()) }

func (s *measured) load(ctx context.Context, _ int) error {
	i := rand.IntN(s.users() * PerUser)
	r, err := s.Store.Load(ctx, s.id(i))
	if err == nil && r.User != user(i%s.users()) {
		err = fmt.Errorf("session %d is that of %s", i, r.User)
	}
	return err
}

func (s *measured) list(ctx context.Context, k int) error {
	all, err := session.Collect(s.m.Sessions(ctx, user(s.pick(k, k%2))))
	if err == nil && len(all) != PerUser {
		err = fmt.Errorf("%d sessions", len(all))
	}
	return err
}

func (s *measured) revoke(ctx context.Context, k int) error {
	u := s.pick(k, 0)
	return s.m.Revoke(ctx, user(u), s.of(u, rand.IntN(PerUser)))
}

func (s *measured) revokeUser(ctx context.Context, k int) error {
	n, err := s.m.RevokeUser(ctx, user(s.pick(k, 1)))
	if err == nil && n != PerUser {
		err = fmt.Errorf("%d sessions", n)
	}
	return err
}
