package rueidisstore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/qsessions/qsessions/core/store"
)

const (
	// The schema of slots is a part of the key: what another version has put there is never seen.
	keySpace = "c1:"

	// A slot holds a mark, a nonce of 8 bytes that is new at each change, and the copy. The ticket is the nonce.
	leaseMark  = 'L'
	copyMark   = 'V'
	headerSize = 1 + 8

	leaseTime   = 5 * time.Second
	maxTTL      = 30 * 24 * time.Hour
	deleteBatch = 100 // commands in a pipeline
)

// A Cache keeps copies in Redis. It is a store.Cache, and safe for concurrent use.
//
// Each of Get, Put and Delete is one round trip; Delete one for a hundred ids. Where Redis is at its maxmemory and may
// evict nothing, or refuses writes as it cannot save them to its disk (MISCONF), Get still returns the copies that are
// there, at the price of a second round trip, and answers [store.ErrTooLarge] where there is none, as Put does.
type Cache struct {
	link   *link
	config CacheConfig
	script atomic.Bool // the server refuses SET with NX and GET, so a script does it (before Redis 7)
	near   *near       // nil without client-side caching
}

var _ store.Cache = (*Cache)(nil)

// OpenCache opens a client and makes a cache over it, which owns the client: [Cache.Close] closes both. It takes a URL as
// rueidis.ParseURL does:
//
//	redis://user:password@host:6379/0     one server; rediss:// for TLS
//	unix:///path/to/redis.sock?db=0
//	redis://host:6379?addr=host2:6379     some nodes of a Cluster; one is enough if it is up
//	redis://host:26379?addr=host2:26379&master_set=name   Sentinels
//
// A server that cannot be reached is no error, as the application works without its cache, and must be able to start:
// CacheConfig.Logger is told, and each call connects if it can, at most twenty times in a second, and fails at once in
// between. OpenCache waits for no longer than two seconds, or half of the time that ctx has left. It is an error if the
// server refuses the user or the password, or if the URL or the options are wrong. ctx bounds the opening only. The client
// has one connection to a server, which all goroutines share, gives up one that does not answer for some 4 seconds, and
// asks Sentinels every 5 seconds. No error holds the password.
func OpenCache(ctx context.Context, url string, c CacheConfig) (*Cache, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	l, err := newLink(url, c.Option, c.ClientSide > 0)
	if err != nil {
		return nil, err
	}
	wait := dialTimeout
	if end, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(end)/2)
	}
	opening, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if err := l.await(opening); err != nil {
		if ctx.Err() != nil || !temporary(err) {
			l.close()
			return nil, err
		}
		c.Logger.LogAttrs(ctx, slog.LevelWarn, "rueidisstore: the cache cannot be reached yet", slog.Any("error", err))
	}
	if p := l.now.Load(); c.ClientSide > 0 && p != nil && !p.tracks {
		c.ClientSide = 0
		c.Logger.WarnContext(ctx, "rueidisstore: the server does not support client-side caching; going without")
	}
	return newCache(l, c), nil
}

// NewCache makes a cache over a client that the application has, and that it closes itself. The client must not read from
// replicas, and have no ConnLifetime: it would repeat commands that are done already. CacheConfig.ClientSide is refused;
// CacheConfig.Option is of no use here and refused too. The package comment says how it differs from [OpenCache].
func NewCache(client rueidis.Client, c CacheConfig) (*Cache, error) {
	c, err := c.withDefaults()
	switch {
	case err != nil:
		return nil, err
	case client == nil:
		return nil, errors.New("rueidisstore: the client is nil")
	case c.ClientSide > 0:
		return nil, errors.New("rueidisstore: ClientSide needs OpenCache: a client does not say how many connections it has")
	case c.Option != nil:
		return nil, errors.New("rueidisstore: Option needs OpenCache: the client is there already")
	}
	return newCache(over(client), c), nil
}

func newCache(l *link, c CacheConfig) *Cache {
	cache := &Cache{link: l, config: c}
	if c.ClientSide > 0 {
		cache.near = new(near)
	}
	return cache
}

// Close closes the client that [OpenCache] made, and leaves that of [NewCache] alone. It waits for calls that are under way
// for a second; later ones fail.
func (c *Cache) Close() error {
	c.link.close()
	return nil
}

// Lag returns for how long after a Delete or Put returned another process may go on to answer from a copy of its own: 0
// without client-side caching, else CacheConfig.ClientSide.
func (c *Cache) Lag() time.Duration { return c.config.ClientSide }

// Get implements [store.Cache]. A lease ends after five seconds.
func (c *Cache) Get(ctx context.Context, id store.ID) ([]byte, store.Ticket, error) {
	ctx, cancel := bound(ctx, c.config.Timeout)
	defer cancel()
	key := c.key(id)
	if c.near != nil && c.near.has(id) && c.link.tracks() {
		if err := ctx.Err(); err != nil { // without a round trip nobody else looks
			return nil, 0, unavailable("get", err)
		}
		switch copy, t, own := c.getNear(ctx, key); {
		case own:
			return copy, t, nil
		case t == 0:
			c.near.drop(id)
		}
	}
	nonce, lease := newLease()
	slot, err := c.take(ctx, key, lease)
	switch {
	case rueidis.IsRedisNil(err):
		return nil, nonce, nil
	case err == errNoLease: // never wrapped
		return nil, 0, fmt.Errorf("rueidisstore: get: %w", err)
	case answers(err, "WRONGTYPE"):
		return nil, 0, c.heal(ctx, key)
	case err != nil:
		return nil, 0, unavailable("get", err)
	}
	copy, t, ok := parseSlot(slot)
	if !ok {
		return nil, 0, c.heal(ctx, key)
	}
	if c.near != nil && t != 0 {
		c.near.add(id)
	}
	return copy, t, nil
}

// take returns what is in the slot, or puts a lease there and returns rueidis.Nil. It is never done twice with one lease
// unless a server has refused it: the first attempt could take effect after the second one.
func (c *Cache) take(ctx context.Context, key, lease string) (slot []byte, err error) {
	if !c.script.Load() {
		// A native command costs the server two thirds of what a script does.
		for t := c.link.tries(ctx); t.next(&err); {
			set := t.client.B().Set().Key(key).Value(lease).Nx().Get().PxMilliseconds(leaseTime.Milliseconds()).Build()
			slot, err = t.do(ctx, set).AsBytes() // the answer is nobody else's
		}
		if !answers(err, "syntax error") {
			return c.orGet(ctx, key, slot, err)
		}
		c.script.Store(true)
	}
	slot, err = takeScript.exec(ctx, c.link, key, lease, strconv.FormatInt(leaseTime.Milliseconds(), 10)).AsBytes()
	return c.orGet(ctx, key, slot, err)
}

// errNoLease says that a slot is empty, and that the server cannot write a lease.
var errNoLease = fmt.Errorf("the server is out of memory, or cannot write: %w", store.ErrTooLarge)

// orGet looks into the slot again if the server refused a lease because it cannot write now. Not so where it must not be
// asked: a replica, or a primary without its replicas.
func (c *Cache) orGet(ctx context.Context, key string, slot []byte, err error) ([]byte, error) {
	if !full(err) && !answersCode(err, "MISCONF ") {
		return slot, err
	}
	for t := c.link.tries(ctx); t.next(&err); {
		slot, err = t.do(ctx, t.client.B().Get().Key(key).Build()).AsBytes()
	}
	if rueidis.IsRedisNil(err) {
		return nil, errNoLease
	}
	return slot, err
}

// heal empties a slot that holds what nobody here has put there, so that the next Get can lease it.
func (c *Cache) heal(ctx context.Context, key string) (err error) {
	for t := c.link.tries(ctx); t.next(&err); {
		err = t.do(ctx, t.client.B().Unlink().Key(key).Build()).Error()
	}
	if err != nil {
		return unavailable("get", err)
	}
	return nil
}

// parseSlot returns the copy in a slot and its ticket, or neither if it is leased. It is not ok if it is neither. The copy
// is a part of slot.
func parseSlot(slot []byte) (copy []byte, t store.Ticket, ok bool) {
	if len(slot) == headerSize && slot[0] == leaseMark {
		return nil, 0, true
	}
	if len(slot) < headerSize || slot[0] != copyMark {
		return nil, 0, false
	}
	t = store.Ticket(binary.BigEndian.Uint64(slot[1:headerSize]))
	return slot[headerSize:], t, t != 0
}

// Put implements [store.Cache]. It keeps no copy for more than 30 days.
func (c *Cache) Put(ctx context.Context, id store.ID, t store.Ticket, copy []byte, ttl time.Duration) error {
	if len(copy) > c.config.MaxCopy {
		return fmt.Errorf("rueidisstore: put: a copy of %d bytes: %w", len(copy), store.ErrTooLarge)
	}
	if t == 0 {
		return store.ErrConflict
	}
	ctx, cancel := bound(ctx, c.config.Timeout)
	defer cancel()
	key := c.key(id)
	ticket := binary.BigEndian.AppendUint64(nil, uint64(t))
	slot := make([]byte, headerSize, headerSize+len(copy)) // never used again: a canceled command may still be sent
	slot[0] = copyMark
	binary.BigEndian.PutUint64(slot[1:], uint64(newNonce()))
	slot = append(slot, copy...)
	args := []string{rueidis.BinaryString(ticket), rueidis.BinaryString(slot), strconv.FormatInt(milliseconds(ttl), 10)}
	var result rueidis.RedisResult
	if c.near != nil {
		result = putScript.execFenced(ctx, c.link, key, args...)
	} else {
		result = putScript.exec(ctx, c.link, key, args...)
	}
	stored, err := result.AsInt64()
	switch {
	case full(err) || answersCode(err, "MISCONF "):
		return fmt.Errorf("rueidisstore: put: the server is out of memory, or cannot write: %w", store.ErrTooLarge)
	case answers(err, "WRONGTYPE") || err == nil && stored == 0:
		return store.ErrConflict
	case err != nil:
		return unavailable("put", err)
	}
	return nil
}

// Delete implements [store.Cache]. It tries all of them, and returns the first error.
func (c *Cache) Delete(ctx context.Context, ids ...store.ID) error {
	var first error
	for batch := range slices.Chunk(ids, deleteBatch) {
		err := c.deleteBatch(ctx, batch)
		if lost(ctx, err) {
			err = c.deleteBatch(ctx, batch)
		}
		if err != nil && first == nil {
			first = unavailable("delete", err)
		}
	}
	return first
}

func (c *Cache) deleteBatch(ctx context.Context, ids []store.ID) error {
	ctx, cancel := bound(ctx, c.config.Timeout)
	defer cancel()
	n := len(ids)
	if c.near != nil {
		n *= 2
	}
	return firstError(c.link.all(ctx, false, n, func(b rueidis.Builder) rueidis.Commands {
		commands := make(rueidis.Commands, 0, n)
		for _, id := range ids {
			key := c.key(id)
			commands = append(commands, b.Unlink().Key(key).Build()) // a Cluster takes no two keys in one
			if c.near != nil {
				commands = append(commands, fence(b, key))
			}
		}
		return commands
	}))
}

func (c *Cache) key(id store.ID) string { return c.config.Prefix + keySpace + id.String() }

// milliseconds rounds up, as 0 would be refused.
func milliseconds(ttl time.Duration) int64 {
	ttl = min(max(ttl, time.Millisecond), maxTTL)
	return int64((ttl + time.Millisecond - 1) / time.Millisecond)
}

// newNonce is new at each attempt, so that a late command finds another one, and cannot be guessed.
func newNonce() store.Ticket {
	var b [8]byte
	for {
		_, _ = rand.Read(b[:]) // never fails since Go 1.24
		if n := binary.BigEndian.Uint64(b[:]); n != 0 {
			return store.Ticket(n)
		}
	}
}

func newLease() (store.Ticket, string) {
	nonce := newNonce()
	b := make([]byte, 1, headerSize)
	b[0] = leaseMark
	return nonce, rueidis.BinaryString(binary.BigEndian.AppendUint64(b, uint64(nonce)))
}
