package sqlxstore

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"syscall"

	"github.com/qsessions/qsessions/core/store"
)

// A redacted error says why a database could not be opened in words of this package, and matches what the driver's error matches of
// the contract's. The driver's error is not in its chain: pgx's has the whole configuration.
type redacted struct {
	text string
	is   []error
}

func (e *redacted) Error() string   { return e.text }
func (e *redacted) Unwrap() []error { return e.is }

// withoutPassword returns err, or a redacted one if the text of err has three characters in a row of dsn. Where in a malformed DSN
// the password begins and ends cannot be known, and drivers quote its pieces as hosts, users, databases and options.
func withoutPassword(err error, dsn string) error {
	if !repeats(err.Error(), dsn) {
		return err
	}
	r := &redacted{text: "sqlxstore: open: failed"}
	for _, e := range []error{store.ErrUnavailable, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, e) {
			r.is = append(r.is, e)
		}
	}
	for _, reason := range []string{reasonOf(err), "the DSN is malformed, or the database refused it", "refused"} {
		if text := "sqlxstore: open: " + reason; reason != "" && !repeats(text, dsn) {
			r.text = text
			break
		}
	}
	return r
}

// reasonOf says why a connection failed, without a word of the driver's or the server's: "" if it is not known.
func reasonOf(err error) string {
	var (
		op   *net.OpError
		dns  *net.DNSError
		no   syscall.Errno
		cert *tls.CertificateVerificationError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "the server did not answer in time: " + context.DeadlineExceeded.Error()
	case sqlState(err) != "":
		return "SQLSTATE " + sqlState(err) + reasons[sqlState(err)]
	case mysqlNumber(err) != 0:
		number := fmt.Sprint(mysqlNumber(err))
		return "MySQL error " + number + reasons[number]
	case strings.Contains(err.Error(), "server refused TLS connection"), strings.Contains(err.Error(), "SSL is not enabled on the server"): // pgx, lib/pq
		return "the server refused TLS; sslmode=disable goes without"
	case errors.As(err, &cert):
		return "the server's certificate is not accepted"
	case errors.As(err, &dns):
		return cmp.Or(map[bool]string{dns.IsNotFound: "no such host", dns.IsTimeout: "name server: timeout"}[true], "the name of the host cannot be resolved")
	case errors.As(err, &no):
		at := ""
		if errors.As(err, &op) {
			if tcp, ok := op.Addr.(*net.TCPAddr); ok { // an address, not a name
				at = tcp.String() + ": "
			}
		}
		return at + no.Error()
	}
	return ""
}

// Why servers refuse connections.
var reasons = map[string]string{
	"28000": ": the login is refused", "28P01": ": the login is refused", "1044": ": the login is refused", "1045": ": the login is refused", "1698": ": the login is refused",
	"3D000": ": there is no such database", "1049": ": there is no such database", "53300": ": too many connections", "1040": ": too many connections",
	"57P03": ": the server is starting up", "42704": ": unknown option", "42501": ": no right", "1193": ": unknown option",
}

// Parts of a DSN that are no secret wherever they stand: the scheme, addresses in numbers, networks, and options by their names.
var public = []*regexp.Regexp{
	regexp.MustCompile(`(?i)^\s*(?:postgres|postgresql|mysql|mariadb|sqlite|sqlite3|file):(?://)?`),
	regexp.MustCompile(`(?i)(?:^|[@(,=/])(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]+\])(?::\d{1,5})?(?:[/?),\s]|$)`),
	regexp.MustCompile(`(?:^|@)(?:tcp[46]?|unix)\(`),
	regexp.MustCompile(`(?:^|[?&\s])(?:password|user|host|hostaddr|port|dbname|database)\s*=`),
	regexp.MustCompile(`(?:^|[?&\s])(?:sslmode|connect_timeout|binary_parameters|default_query_exec_mode|target_session_attrs|timeout|readTimeout|writeTimeout|` +
		`interpolateParams|clientFoundRows|parseTime|loc|charset|collation|tls|rejectReadOnly|mode|_txlock|_pragma)\s*=[\w.+:()-]*`),
}

// repeats reports whether text has three characters in a row that dsn has too, or all of a password that is shorter.
func repeats(text, dsn string) bool {
	text = strings.ToLower(text)
	if i, j := strings.IndexByte(dsn, ':'), strings.LastIndexByte(dsn, '@'); i >= 0 && i+1 < j && j-i <= 3 && strings.Contains(text, strings.ToLower(dsn[i+1:j])) {
		return true
	}
	for _, p := range public {
		dsn = p.ReplaceAllString(dsn, "\x00")
	}
	for _, form := range []string{dsn, unescaped(dsn), strings.ReplaceAll(unescaped(dsn), "+", " "), strings.ReplaceAll(dsn, `\`, "")} {
		form = strings.ToLower(form)
		for i := range max(len(form)-2, 0) {
			if piece := form[i : i+3]; !strings.Contains(piece, "\x00") && strings.Contains(text, piece) {
				return true
			}
		}
	}
	return false
}

var escape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// unescaped is url.PathUnescape, and leaves what is malformed as it is.
func unescaped(s string) string {
	return escape.ReplaceAllStringFunc(s, func(e string) string {
		var b byte
		_, _ = fmt.Sscanf(e, "%%%02x", &b)
		return string([]byte{b})
	})
}
