package chaos

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// childEnv tells a process that it is the one to be killed: what it revokes, and where.
const childEnv = "QSESSIONS_CHAOS_CHILD"

// Child does the work of the process that FLT-28 kills, if this process is one, and reports whether it is. Whoever calls
// [Crash] calls it first of all.
func Child() bool {
	task := os.Getenv(childEnv)
	if task == "" {
		return false
	}
	if err := revokeHalf(context.Background(), strings.Split(task, " ")); err != nil {
		fmt.Fprintln(os.Stderr, "chaos: child:", err)
	}
	return true
}

// revokeHalf revokes a session in the database, and never gets to tell the cache.
func revokeHalf(ctx context.Context, task []string) error {
	if len(task) != 4 {
		return errors.New("malformed task")
	}
	driver, dsn, user := task[0], task[1], task[2]
	id, err := session.ParseID(task[3])
	if err != nil {
		return err
	}
	db, err := openDB(ctx, driver, dsn)
	if err != nil {
		return err
	}
	s, err := cacheddb.New(silent{}, db, cacheddb.Config{})
	if err != nil {
		return err
	}
	sessions, err := session.New(s, session.Config{Cookie: session.Cookie{Insecure: true}})
	if err != nil {
		return err
	}
	return sessions.Revoke(ctx, user, id)
}

// A silent cache says on the standard output stream that it is to be told, and does not return.
type silent struct{}

func (silent) Get(context.Context, store.ID) ([]byte, store.Ticket, error) { return nil, 1, nil }

func (silent) Put(context.Context, store.ID, store.Ticket, []byte, time.Duration) error { return nil }

func (silent) Delete(context.Context, ...store.ID) error {
	fmt.Println("committed")
	select {}
}

// Crash is FLT-28: a process is killed after it has revoked a session in the database, and before it has told the cache.
// The revocation was not acknowledged, and yet nobody accepts the session after freshness and skew. It returns for how
// long the session was accepted after the kill, which is 0 where the copy had just become too old.
func Crash(ctx context.Context, p Pair) (accepted time.Duration, err error) {
	w, err := newWorld(ctx, Scenario{}, p)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	l := newLoad(w, 0)
	for len(l.live) == 0 {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		l.login(w.processes[0])
	}
	h := l.live[0]
	h.end()
	// The copy is kept fresh, for as long as it takes.
	if err := w.killHalfway(ctx, h, func() { l.read(w.processes[0], h) }); err != nil {
		return 0, err
	}
	killed := time.Now()
	for time.Since(killed) < bound+time.Second {
		asked := time.Since(killed)
		if l.send(w.processes[1], "/read", h.token).Code == 200 {
			accepted = asked
		}
		pause(ctx, 5*time.Millisecond)
	}
	if _, err := w.processes[1].front.LoadFresh(ctx, h.id); !errors.Is(err, store.ErrNotFound) {
		return accepted, fmt.Errorf("the session is in the database: %w", err)
	}
	if l.tally.wrongs != [violations]int{} {
		return accepted, fmt.Errorf("wrong: %v", l.tally.examples)
	}
	return accepted, ctx.Err()
}

// killHalfway calls meanwhile again and again until the revocation is in the database.
func (w *world) killHalfway(ctx context.Context, h *held, meanwhile func()) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	driver, dsn, err := through(w.pair, w.db.DSN, w.db.Addr)
	if err != nil {
		return err
	}
	child := exec.CommandContext(ctx, program)
	child.Env = append(os.Environ(), childEnv+"="+strings.Join([]string{driver, dsn, h.user.name, h.id.String()}, " "))
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	var line string
	said := make(chan struct{})
	go func() {
		defer close(said)
		line, err = bufio.NewReader(out).ReadString('\n')
	}()
	for waiting := true; waiting; {
		meanwhile()
		select {
		case <-said:
			waiting = false
		case <-time.After(20 * time.Millisecond):
		}
	}
	killed := child.Process.Kill()
	_ = child.Wait() // it was killed
	if err != nil || line != "committed\n" {
		return fmt.Errorf("the child did not get to the cache: %q, %w", line, err)
	}
	return killed
}
