package rueidisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/rueidis"

	"github.com/qsessions/qsessions/core/store"
)

// A serverError has the part of a server's answer that quotes no argument: a key, a value or a password.
type serverError struct {
	text string
	err  error
}

func (e *serverError) Error() string { return e.text }

func (e *serverError) Unwrap() error { return e.err }

// redact returns err without what its text may quote.
func redact(err error) error {
	var answer *rueidis.RedisError
	if !errors.As(err, &answer) {
		return err
	}
	text := err.Error()
	if i := strings.IndexAny(text, "`'\"[\n"); i >= 0 {
		text = strings.TrimRight(text[:i], " ,:") + " …"
	}
	return &serverError{text: text, err: answer}
}

// unavailable is the error of an operation that was not done, or of which nobody knows.
func unavailable(operation string, err error) error {
	return fmt.Errorf("rueidisstore: %s: %w: %w", operation, store.ErrUnavailable, redact(err))
}

// answers reports whether err is an answer of the server that holds text, such as its code. Redis 6 puts the code of an
// error within a script into the middle.
func answers(err error, text string) bool {
	answer, ok := rueidis.IsRedisErr(err)
	return ok && strings.Contains(answer.Error(), text)
}

// lost reports whether err is that of a connection, in time for another try.
func lost(ctx context.Context, err error) bool {
	_, answered := rueidis.IsRedisErr(err)
	return err != nil && !answered && !rueidis.IsRedisNil(err) && !errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil
}
