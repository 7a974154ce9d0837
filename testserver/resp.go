package testserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// patience is for an answer that is sure to come, however slow the machine is.
const patience = 20 * time.Second

// do sends one Redis command over a connection of its own, and returns the reply: a string, an int64, nil, or a []any
// of these.
func (s *Server) do(ctx context.Context, command ...string) (any, error) {
	return doWithin(ctx, patience, s.Addr, command...)
}

// look is do for what is asked again until the answer is the right one. It takes a second at most, so that a server that
// stands still holds nobody up.
func (s *Server) look(ctx context.Context, command ...string) (any, error) {
	return doWithin(ctx, time.Second, s.Addr, command...)
}

func doWithin(ctx context.Context, limit time.Duration, addr string, command ...string) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	var request strings.Builder
	fmt.Fprintf(&request, "*%d\r\n", len(command))
	for _, word := range command {
		fmt.Fprintf(&request, "$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := io.WriteString(conn, request.String()); err != nil {
		return nil, err
	}
	reply, err := readReply(bufio.NewReader(conn))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(command[:min(2, len(command))], " "), err)
	}
	return reply, nil
}

// readReply reads a reply of RESP2. Its length is trusted: the server is a test's own.
func readReply(r *bufio.Reader) (any, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimSuffix(line, "\r\n")
	if line == "" {
		return nil, errors.New("an empty reply")
	}
	kind, rest := line[0], line[1:]
	switch kind {
	case '+':
		return rest, nil
	case '-':
		return nil, errors.New(rest)
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	if err != nil {
		return nil, err
	}
	switch {
	case kind == ':':
		return n, nil
	case n < 0:
		return nil, nil
	case kind == '$':
		text := make([]byte, n+2)
		_, err := io.ReadFull(r, text)
		return string(text[:n]), err
	case kind == '*':
		list := make([]any, n)
		for i := range list {
			if list[i], err = readReply(r); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return nil, fmt.Errorf("a reply of unknown type %q", kind)
}

// at returns what stands at the path in nested lists, or nil.
func at(reply any, path ...int) any {
	for _, i := range path {
		list, ok := reply.([]any)
		if !ok || i >= len(list) {
			return nil
		}
		reply = list[i]
	}
	return reply
}

// text returns the string or number at the path, or "".
func text(reply any, path ...int) string {
	switch v := at(reply, path...).(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return ""
}
