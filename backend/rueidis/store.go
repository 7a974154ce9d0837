package rueidisstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/qsessions/qsessions/core/store"
)

const (
	// graceTime is how long a server keeps what has expired.
	graceTime = time.Minute
	// noteTime is how long a removed record is remembered, if it would not have expired before, and a Sweep comes no sooner.
	noteTime = 24 * time.Hour
	maxKeep  = 100 * 365 * 24 * time.Hour

	batchSize = 200 // commands in a round trip
)

// A Store keeps sessions in Redis alone. It is a store.Indexed, and safe for concurrent use. It is made by [Open] or [New].
//
// # What it asks of Redis
//
// Redis 6 or later, one server, Sentinel or a Cluster, with the permission to run scripts. A record is one string, and
// every change of it one script on its key, so there are no transactions and nothing spans slots. The ids of a user's
// sessions are in a sorted set of their own, which is written before the record, and is only a hint: what it names is
// looked at. Records go when they have expired for a minute, by their time to live, so that the clocks of servers and
// applications need not agree.
//
//	Load, Cutoff                1 round trip
//	Create                      1; of a user 2
//	Save, Touch                 1; a Save that sets the user 2
//	Delete                      1 for 200 ids
//	List of a user              2 for 200 sessions; with Data, for 20
//	DeleteUser                  3; for each 200 sessions more, 2 more
//	List of ids                 1; with Data, for 20
//	Key                         1; the first one of all 3
//
// A removed record leaves a note of its user in its place, so that a late Create, Save or Touch is refused, and a second
// DeleteUser names it again. The note goes with a Sweep, when the record would have expired, or after a day.
//
// # What holds, and what does not
//
//   - What a promoted replica had not got is lost: Redis replicates later than it answers. After a failover a revoked
//     session can be back, a session can be gone, a cut-off can be forgotten, and a session can be missing in its user's
//     index, so that DeleteUser does not find it until it is next touched or saved. Between failovers a revocation is
//     final. A former primary that has become a replica is left at once, see the package comment. The settings min-replicas-to-write of the servers, and appendfsync always for a restart, narrow that. While
//     the network is split, a process that still reaches the old master accepts what the others have revoked.
//   - Evicted sessions are signed out, so a server that evicts is refused when the store is opened, see
//     Config.AllowEviction; one that is configured anew, or takes over later, is not asked. With noeviction a full server
//     refuses new sessions and changes with [store.ErrUnavailable]; sessions can still be read and removed. Before Redis 7,
//     what is removed then leaves no note.
//   - In a Cluster the index of a user may be on another server than a session. Create and Save need both servers, and so
//     do List and DeleteUser; Load, Touch and Delete need that of the session alone.
//   - The client must not read from replicas: a revoked session would be found there.
//   - A value that is no record of its session, because it was damaged, copied from another key or put there by somebody
//     else, is never taken for one: Load answers [store.ErrNotFound], List leaves it out, though without Data it does not
//     see damage of the data. [Store.Corrupt] counts such values, and Config.Logger gets a warning with the id.
//   - Keys are kept as records are, without an end. A failover that loses one makes a new one be made.
//   - A session has at most 9 MiB of data; more is [store.ErrTooLarge].
//   - Without Config.IndexAll, List needs a user. With it, queries by address or for expired records read all sessions.
//   - Timeouts and lost connections leave open whether a write was done: [store.ErrUnavailable]. No write is sent twice,
//     unless its server has refused it.
type Store struct {
	link    *link
	config  Config
	old     atomic.Bool // the server is older than GETEX and headers of scripts
	corrupt atomic.Uint64

	mu    sync.Mutex
	swept place // where the last Sweep stopped
}

var (
	_ store.Indexed = (*Store)(nil)
	_ store.Keeper  = (*Store)(nil)
)

// Open opens a client and makes a store over it, which owns it: [Store.Close] closes both. The URL is one as [OpenCache]
// takes it. Errors as of [New], also where ctx ends; without a deadline it takes some ten seconds at most. No error holds the
// password.
func Open(ctx context.Context, url string, c Config) (*Store, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	l, err := newLink(url, c.Option, false)
	if err != nil {
		return nil, err
	}
	s := &Store{link: l, config: c}
	if err := s.open(ctx); err != nil {
		l.close()
		return nil, err
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	if err := s.link.await(ctx); err != nil {
		if ctx.Err() == nil && temporary(err) {
			err = fmt.Errorf("%w: %w", err, store.ErrUnavailable)
		}
		return err
	}
	return s.check(ctx)
}

// check asks the servers whether they can be used.
func (s *Store) check(ctx context.Context) error {
	if err := s.checkEviction(ctx); err != nil {
		return err
	}
	return s.checkRights(ctx)
}

// New makes a store over a client that the application has, and that it closes itself. It asks each server whether it
// evicts, and one of them whether the user has the rights that the package comment names. The error matches [store.ErrUnavailable] or is the context's where no server could be asked; any other says what
// is wrong. Config.Option is of no use here and refused.
func New(ctx context.Context, client rueidis.Client, c Config) (*Store, error) {
	c, err := c.withDefaults()
	switch {
	case err != nil:
		return nil, err
	case client == nil:
		return nil, errors.New("rueidisstore: the client is nil")
	case c.Option != nil:
		return nil, errors.New("rueidisstore: Option needs Open: the client is there already")
	}
	s := &Store{link: over(client), config: c}
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Close closes the client if [Open] opened it, and waits for calls that are under way for a second. Later ones fail with
// [store.ErrUnavailable].
func (s *Store) Close() error {
	s.link.close()
	return nil
}

// Corrupt returns how often a key held what is no record of its session.
func (s *Store) Corrupt() uint64 { return s.corrupt.Load() }

// Load implements [store.Store].
func (s *Store) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	value, err := s.get(ctx, s.recordKey(id))
	switch {
	case rueidis.IsRedisNil(err), err == nil && isNote(value):
		return nil, store.ErrNotFound
	case err != nil && !answers(err, "WRONGTYPE"):
		return nil, s.fail(ctx, "load", err)
	}
	r := decodeRecord(id, value)
	if r == nil {
		s.foundCorrupt(ctx, id)
		return nil, fmt.Errorf("rueidisstore: load: the value is no record of this session: %w", store.ErrNotFound)
	}
	return r, nil
}

func (s *Store) foundCorrupt(ctx context.Context, id store.ID) {
	s.corrupt.Add(1)
	s.config.Logger.LogAttrs(ctx, slog.LevelWarn, "rueidisstore: a key holds what is no record of its session", slog.String("session", id.String()))
}

// Create implements [store.Store]. The index comes first: a crash leaves an entry without a record, and no record that
// DeleteUser does not find.
func (s *Store) Create(ctx context.Context, r *store.Record) error {
	const op = "create"
	if err := check(op, r); err != nil {
		return err
	}
	created := *r
	created.Version = 1
	if err := s.index(ctx, op, &created); err != nil {
		return err
	}
	value := rueidis.BinaryString(encodeRecord(&created))
	err := s.do(ctx, false, 1, func(b rueidis.Builder) rueidis.Commands {
		return rueidis.Commands{b.Set().Key(s.recordKey(r.ID)).Value(value).Nx().PxMilliseconds(keep(r.ExpiresAt)).Build()}
	})[0].Error()
	if rueidis.IsRedisNil(err) {
		return fmt.Errorf("rueidisstore: %s: %w", op, store.ErrExists)
	}
	if err != nil {
		return s.fail(ctx, op, err)
	}
	r.Version = 1
	return nil
}

// Save implements [store.Store]. The index goes along each time, which also mends it. Where it could not be written, Save
// fails, though the record may be saved: it could outlive the index that DeleteUser finds it by.
func (s *Store) Save(ctx context.Context, r *store.Record) error {
	const op = "save"
	if err := check(op, r); err != nil {
		return err
	}
	saved := *r
	saved.Version++
	save := call{saveScript, s.recordKey(r.ID), []string{
		versionPrefix(r.Version), rueidis.BinaryString(encodeRecord(&saved)), number(keep(r.ExpiresAt)), "0",
	}}
	results := s.run(ctx, append([]call{save}, s.indexCalls(r)...)...)
	if err := firstError(results); err != nil {
		return s.fail(ctx, op, err)
	}
	n, err := results[0].AsInt64()
	if err == nil && n == noUserYet {
		save.args[len(save.args)-1] = "1"
		n, err = s.run(ctx, save)[0].AsInt64()
	}
	if err != nil {
		return s.fail(ctx, op, err)
	}
	if n != 1 {
		return fmt.Errorf("rueidisstore: %s: %w", op, store.ErrConflict)
	}
	r.Version++
	return nil
}

// Touch implements [store.Store]. It sends neither Secret nor Data. The index goes along; it lives long enough that one
// failure does not matter, as nobody repeats a Touch.
func (s *Store) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	const op = "touch"
	touched := *r
	touched.LastSeen, touched.ExpiresAt, touched.IP, touched.UserAgent = t.LastSeen, t.ExpiresAt, t.IP, t.UserAgent
	if err := check(op, &touched); err != nil {
		return err
	}
	touch := call{touchScript, s.recordKey(r.ID), []string{
		seenPrefix(r), rueidis.BinaryString(appendHead(nil, &touched)), number(keep(t.ExpiresAt)),
	}}
	n, err := s.run(ctx, append([]call{touch}, s.indexCalls(&touched)...)...)[0].AsInt64()
	if err != nil {
		return s.fail(ctx, op, err)
	}
	if n != 1 {
		return fmt.Errorf("rueidisstore: %s: %w", op, store.ErrConflict)
	}
	r.LastSeen, r.ExpiresAt, r.IP, r.UserAgent = t.LastSeen, t.ExpiresAt, t.IP, t.UserAgent
	return nil
}

// Delete implements [store.Store]. It tries all of ids, and returns the first error.
func (s *Store) Delete(ctx context.Context, ids ...store.ID) error {
	if err := ctx.Err(); err != nil {
		return s.fail(ctx, "delete", err)
	}
	var first error
	for chunk := range slices.Chunk(ids, batchSize) {
		calls := make([]call, len(chunk))
		for i, id := range chunk {
			calls[i] = s.remove(id)
		}
		if err := firstError(s.run(ctx, calls...)); err != nil && first == nil {
			first = s.fail(ctx, "delete", err)
		}
	}
	return first
}

// remove removes the record of id, on the conditions that the arguments of the script make. When it was removed is this
// machine's time, which is for garbage collection alone.
func (s *Store) remove(id store.ID, conditions ...string) call {
	args := append([]string{timeField(time.Now()), number(noteTime.Milliseconds())}, conditions...)
	return call{removeScript, s.recordKey(id), args}
}

// check refuses what the layout has no room for.
func check(op string, r *store.Record) error {
	if len(r.User) > store.MaxUser || len(r.UserAgent) > store.MaxUserAgent || len(r.Secret) > store.MaxSecret || len(r.Data) > maxData {
		return fmt.Errorf("rueidisstore: %s: %w", op, store.ErrTooLarge)
	}
	return nil
}

// keep is the time to live of a record, in milliseconds.
func keep(expires time.Time) int64 {
	d := min(max(time.Until(expires), 0), maxKeep) + graceTime
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}

// firstError returns the first error of an answer.
func firstError(results []rueidis.RedisResult) error {
	for _, result := range results {
		if err := result.Error(); err != nil {
			return err
		}
	}
	return nil
}

// errTimeout stands for a timeout of this package's or rueidis's own, which is not the caller's.
var errTimeout = errors.New("no answer in time")

// fail is the error of an operation that was not done, or of which nobody knows. It matches that of a context that is done.
func (s *Store) fail(ctx context.Context, op string, err error) error {
	e := ctx.Err()
	if d, ok := ctx.Deadline(); e == nil && ok && !time.Now().Before(d) {
		e = context.DeadlineExceeded // the connection's timer was first
	}
	if e != nil {
		return fmt.Errorf("rueidisstore: %s: %w: %w: %w", op, store.ErrUnavailable, e, redact(err))
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		err = errTimeout
	}
	return unavailable(op, err)
}
