package rueidisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"

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

// answersCode is answers for a code with the space behind it, which begins the answer, or what a script quotes: it is not
// found in what an application has sent.
func answersCode(err error, code string) bool {
	answer, ok := rueidis.IsRedisErr(err)
	return ok && (strings.HasPrefix(answer.Error(), code) || strings.Contains(answer.Error(), ": -"+code))
}

// full reports whether the server has no memory for a command.
func full(err error) bool { return answersCode(err, "OOM ") }

// isNetwork reports whether err is that of a network, and not of what is configured: no right to a socket, or a
// certificate that is not accepted.
func isNetwork(err error) bool {
	var certificate *tls.CertificateVerificationError
	if errors.Is(err, fs.ErrPermission) || errors.As(err, &certificate) {
		return false
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// lost reports whether err is that of a connection, in time for another try.
func lost(ctx context.Context, err error) bool {
	_, answered := rueidis.IsRedisErr(err)
	return err != nil && !answered && !rueidis.IsRedisNil(err) && err != errReplica && err != errStalled && err != errLost && // never wrapped
		!errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil
}
