package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/redis/rueidis"

	"github.com/qsessions/qsessions/testserver/faultproxy"
)

// corrupt changes what is in Redis: it flips a bit of a value, and puts the value of one slot into another. It brings none
// back to the slot that it came from: that would be an old backup (FLT-7), against which there is only the bound.
func corrupt(ctx context.Context, w *world) error {
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{w.cache.Addr}, DisableCache: true, ForceSingleClient: true})
	if err != nil {
		return err
	}
	defer c.Close()
	origin := map[string]string{} // value: slot
	for ctx.Err() == nil {
		keys, err := c.Do(ctx, c.B().Keys().Pattern("*").Build()).AsStrSlice()
		if err != nil || len(keys) < 2 {
			pause(ctx, time.Millisecond)
			continue
		}
		a, b := keys[rand.IntN(len(keys))], keys[rand.IntN(len(keys))]
		value, err := c.Do(ctx, c.B().Get().Key(a).Build()).ToString()
		if err != nil || value == "" {
			continue // it is gone
		}
		if origin[value] == "" {
			origin[value] = a
		}
		switch {
		case rand.IntN(2) == 0:
			i := rand.IntN(len(value))
			_ = c.Do(ctx, c.B().Setrange().Key(a).Offset(int64(i)).Value(string(value[i]^1<<rand.IntN(8))).Build()).Error()
		case b != origin[value]:
			_ = c.Do(ctx, c.B().Set().Key(b).Value(value).Xx().PxMilliseconds(bound.Milliseconds()).Build()).Error()
		}
		pause(ctx, time.Millisecond)
	}
	return nil
}

// restore sets Redis back to what it held a while ago, twice.
func restore(ctx context.Context, w *world) error {
	for range 2 {
		backup, err := w.cache.Snapshot(context.WithoutCancel(ctx))
		if err != nil {
			return err
		}
		pause(ctx, 700*time.Millisecond) // in which sessions are revoked
		if err := w.cache.Restore(context.WithoutCancel(ctx), backup); err != nil {
			return err
		}
	}
	return wait(ctx, w)
}

// failover kills a master of the cache, and leaves it to a replica.
func failover(ctx context.Context, w *world) error {
	master, err := w.cacheSet.Master(ctx, "any")
	if err != nil {
		return err
	}
	if err := master.Kill(); err != nil {
		return err
	}
	after := context.WithoutCancel(ctx)
	limit, cancel := context.WithTimeout(after, time.Minute)
	defer cancel()
	if err := w.cacheSet.AwaitReady(limit); err != nil {
		return err
	}
	return errors.Join(wait(ctx, w), master.Restart(after))
}

// killDatabase kills the database and starts it again until the time is over.
func killDatabase(ctx context.Context, w *world) error {
	for {
		if err := errors.Join(w.db.Kill(), w.db.Restart(context.WithoutCancel(ctx))); err != nil {
			return err
		}
		if pause(ctx, time.Duration(rand.IntN(300))*time.Millisecond); ctx.Err() != nil {
			return nil
		}
	}
}

// killNode kills the second node of Galera, which joins again afterwards. The first process goes on with its own.
func killNode(ctx context.Context, w *world) error {
	node := w.dbSet.Nodes[1]
	return errors.Join(node.Kill(), wait(ctx, w), node.Restart(context.WithoutCancel(ctx)))
}

// soak is random faults, one after the other, each for a short while.
func soak(ctx context.Context, w *world) error {
	after := context.WithoutCancel(ctx)
	proxies := func(which func(*process) []*faultproxy.Proxy) *faultproxy.Proxy {
		all := which(w.processes[rand.IntN(len(w.processes))])
		return all[rand.IntN(len(all))]
	}
	for ctx.Err() == nil {
		const short = 200 * time.Millisecond
		var err error
		switch rand.IntN(8) {
		case 0:
			err = errors.Join(w.cache.Kill(), w.cache.Restart(after))
		case 1:
			err = w.cache.Pause()
			pause(ctx, short)
			err = errors.Join(err, w.cache.Resume())
		case 2:
			err = w.db.Pause()
			pause(ctx, short)
			err = errors.Join(err, w.db.Resume())
		case 3:
			proxies(bothProxies).DropReplies(true)
		case 4:
			proxies(bothProxies).Cut()
		case 5:
			proxies(bothProxies).SetLatency(20 * time.Millisecond)
		case 6:
			proxies(cacheProxy).CutReplies(rand.Int64N(1000))
		case 7:
			proxies(bothProxies).Hold(true)
		}
		pause(ctx, short)
		if err = errors.Join(err, w.heal()); err != nil {
			return err
		}
		pause(ctx, short)
	}
	return nil
}

// await returns when every process can read and write again.
func (w *world) await(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	if w.dbSet != nil {
		if err := w.dbSet.AwaitReady(ctx); err != nil {
			return err
		}
	}
	for _, n := range w.processes {
		for {
			_, err := n.sessions.RevokeUser(ctx, "nobody")
			if err == nil {
				break
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return fmt.Errorf("the servers do not answer after the fault: %w", err)
			}
		}
	}
	return nil
}
