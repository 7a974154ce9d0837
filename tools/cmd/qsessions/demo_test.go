package main

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/tools/internal/stores/storestest"
)

// TestDemoSeed shows on a terminal how many sessions have been made up, ends in the middle, and keeps those.
func TestDemoSeed(t *testing.T) {
	t.Parallel()
	address := storestest.SQLite(t)
	demo := func(terminal bool, until, seed string) (int, string) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		out := newLog()
		code := make(chan int, 1)
		go func() {
			code <- run(ctx, []string{"demo", "--addr=127.0.0.1:0", "--store", address, "--seed", seed}, stdio{out, out, terminal})
		}()
		out.wait(t, until, 1)
		cancel()
		return <-code, out.String()
	}
	code, text := demo(true, "Making up sessions: ", "1000000")
	if code != exitFailed || !strings.Contains(text, "interrupted") || strings.Contains(text, "Try this") {
		t.Errorf("interrupted: exit code %d\n%s", code, text)
	}
	// What was made stays: at least one.
	if code, text = demo(false, "Try this:", "1"); code != exitOK || strings.Contains(text, "made up, in") || strings.Contains(text, "\r") {
		t.Errorf("enough are there: exit code %d\n%s", code, text)
	}
}

// TestReachable: PAG-14. The address that the demo prints can be opened, also where it listens on all.
func TestReachable(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]string{
		"127.0.0.1:8080": "127.0.0.1:8080", "0.0.0.0:8080": "127.0.0.1:8080", "[::]:8080": "localhost:8080", "192.0.2.1:80": "192.0.2.1:80", "[::1]:80": "[::1]:80",
	} {
		addr := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(listen))
		var out strings.Builder
		explain(&out, addr, "nowhere")
		if got := out.String(); !strings.HasPrefix(got, "The demo is at http://"+want+"/\n") {
			t.Errorf("%s: %s", listen, got)
		}
		if warned := strings.Contains(out.String(), "WARNING"); warned == addr.AddrPort().Addr().IsLoopback() {
			t.Errorf("%s: warned: %v", listen, warned)
		}
	}
}
