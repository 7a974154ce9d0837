package rueidisstore

import (
	"errors"
	"strings"

	"github.com/redis/rueidis"
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
