package rueidisstore

import (
	"strings"
	"testing"
	"time"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	c, err := Config{}.withDefaults()
	if err != nil || c.Prefix != DefaultPrefix || c.Timeout != 2*time.Second || c.Logger == nil {
		t.Errorf("the zero value: got %+v, %v", c, err)
	}
	for field, c := range map[string]Config{
		"Prefix":  {Prefix: "a{b}"},
		"Prefix ": {Prefix: "a*"},
		"Timeout": {Timeout: -1},
	} {
		if _, err := Open(t.Context(), "redis://127.0.0.1:1", c); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(field)) {
			t.Errorf("%+v: got %v, want an error with %s", c, err, field)
		}
	}
	if _, err := New(t.Context(), nil, Config{}); err == nil {
		t.Error("New takes no client")
	}
	if _, err := Open(t.Context(), "redis://user:MARKER@127.0.0.1:1", Config{}); err == nil || strings.Contains(err.Error(), "MARKER") {
		t.Errorf("Open without a server: got %v, want an error without the password", err)
	}
}

func TestEvicts(t *testing.T) {
	t.Parallel()
	for info, want := range map[string]string{
		"# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n":    "noeviction",
		"# Memory\r\nmaxmemory:100\r\nmaxmemory_policy:allkeys-lru\r\n":  "allkeys-lru",
		"# Memory\r\nmaxmemory:100\r\nmaxmemory_policy:noeviction\r\n":   "noeviction",
		"# Memory\r\nmaxmemory:100\r\n":                                  "",
		"":                                                               "",
		"maxmemory_human:0B\nmaxmemory_policy:volatile-ttl\nmaxmemory:1": "volatile-ttl",
	} {
		if got := evicts(info); got != want {
			t.Errorf("%q: got %q, want %q", info, got, want)
		}
	}
}
