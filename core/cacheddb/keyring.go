package cacheddb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/qsessions/qsessions/core/internal/deadline"
	"github.com/qsessions/qsessions/core/store"
)

// KeyName is the name of the [store.Keeper]'s key that copies are authenticated with.
const KeyName = "cache"

const (
	keyTimeout  = 2 * time.Second  // for one question
	keyRetry    = time.Second      // after one that failed, while the key is not known
	keyInterval = 10 * time.Second // after one that failed, and between those that copies with other keys cause
	keyLife     = 5 * time.Minute  // after it the key is asked for again
)

// A keyring has the form of copies. Where the database keeps the key, it is asked for it when it is first needed, every
// five minutes, and when a copy names another one: by one caller at a time, while the others go on with what is known.
type keyring struct {
	keeper    store.Keeper // nil: the form is given
	sealed    sealed       // nil: copies are not encrypted, or the form is given
	plain     Plain
	namespace string
	logger    *slog.Logger
	born      time.Time

	known  atomic.Pointer[form]
	due    atomic.Int64      // when the database is to be asked, since born
	mu     sync.Mutex        // held by the caller who asks
	asked  atomic.Int64      // when it was last asked, since born
	failed bool              // the last question; under mu
	told   bool              // the database's key has been known; under mu
	name   [keyNameSize]byte // of it; under mu
}

// form returns the form at the given time, or nil while the key is not known: then there are no copies. It also returns the
// time when it has the answer, which is later if it has asked.
func (k *keyring) form(ctx context.Context, now time.Time) (form, time.Time) {
	if k.keeper != nil && int64(now.Sub(k.born)) >= k.due.Load() && k.mu.TryLock() {
		k.ask(ctx)
		k.mu.Unlock()
		now = time.Now()
	}
	if f := k.known.Load(); f != nil {
		return *f, now
	}
	return nil, now
}

// ask asks the database for the key. A caller that gives up does not end the question, and gives it half of its time. The
// caller holds mu.
func (k *keyring) ask(ctx context.Context) {
	if int64(time.Since(k.born)) < k.due.Load() { // another caller has asked meanwhile
		return
	}
	timeout := keyTimeout
	if end, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(end)/2)
	}
	ctx, cancel := deadline.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	key, err := k.keeper.Key(ctx, KeyName)
	if err == nil && len(key) != store.KeySize {
		err = fmt.Errorf("it has %d bytes, not %d", len(key), store.KeySize)
	}
	var f *authenticated
	if err == nil {
		f, err = newAuthenticated(k.namespace, key)
	}
	now := time.Since(k.born)
	k.asked.Store(int64(now))
	if err != nil {
		retry := keyInterval
		if !k.told {
			retry = keyRetry
		}
		k.due.Store(int64(now + retry))
		if !k.failed {
			k.failed = true
			k.logger.LogAttrs(ctx, slog.LevelWarn, "cacheddb: the database does not tell the key of copies; without one there are none", slog.Any("error", err))
		}
		return
	}
	k.failed = false
	if old := k.name; !k.told || old != f.name {
		known := form(f)
		if k.sealed != nil {
			known = newBoth(k.sealed, f, k.plain)
		}
		k.known.Store(&known)
		told := k.told
		k.name, k.told = f.name, true
		if told {
			k.logger.LogAttrs(ctx, slog.LevelInfo, "cacheddb: the database has a new key of copies; those with the old one are none")
		}
	}
	k.due.Store(int64(now + keyLife))
}

// met notes that a copy was made with another key: there may be a new one. Anyone who writes such copies on purpose causes a
// question each ten seconds.
func (k *keyring) met(f form, copy []byte) {
	if k.keeper == nil || !f.foreign(copy) {
		return
	}
	if again := k.asked.Load() + int64(keyInterval); again < k.due.Load() {
		k.due.Store(again)
	}
}

// newKeyring returns the ring that c asks for.
func newKeyring(c *Config, db store.Indexed) (*keyring, error) {
	k := &keyring{namespace: c.Namespace, logger: c.Logger, born: time.Now()}
	var given form
	switch keeper, ok := db.(store.Keeper); {
	case len(c.Keys) > 0 && c.Unauthenticated:
		return nil, errors.New("cacheddb: New: Config.Keys and Config.Unauthenticated contradict each other")
	case len(c.Keys) > 0:
		f, err := newSealed(c.Namespace, c.Keys)
		if err != nil {
			return nil, err
		}
		given = f
		if c.Plain == PlainRefused {
			break
		}
		if !ok {
			return nil, noKeeper(db)
		}
		k.keeper, k.sealed, k.plain = keeper, f, c.Plain
		if c.Plain == PlainRead { // until the database's key is known, those that are encrypted are all there are
			k.known.Store(&given)
		}
		return k, nil
	case c.Unauthenticated:
		given = newChecked(c.Namespace)
	case !ok:
		return nil, noKeeper(db)
	default:
		k.keeper = keeper
		return k, nil
	}
	k.known.Store(&given)
	return k, nil
}

func noKeeper(db store.Indexed) error {
	return fmt.Errorf("cacheddb: New: %T keeps no key to authenticate copies with, as it is no store.Keeper: "+
		"what wraps a database must pass Key on; else set Config.Keys, or Config.Unauthenticated where no one can write to the cache", db)
}
