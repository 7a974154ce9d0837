package rueidisstore

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestSecretURL: ATK-18. No error about a URL has three characters in a row of its password, however malformed the URL is.
func TestSecretURL(t *testing.T) {
	// A piece of a password that is taken for a host is looked up nowhere.
	resolver := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no name server") }}
	defer func() { net.DefaultResolver = resolver }()
	failed := 0
	try := func(url, password string) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s, err := Open(ctx, url, Config{})
		if err == nil {
			s.Close()
			return
		}
		failed++
		for i := range len(password) - 2 {
			piece := strings.ToLower(password[i : i+3])
			if strings.Contains(strings.ToLower(err.Error()), piece) {
				t.Errorf("%q: %q is in %q", url, piece, err)
				return
			}
		}
	}
	for _, password := range []string{"Zq7xKv9jW", "Zq7@xKv9jW", "Zq7:xKv9jW", "Zq7/xKv9jW", "Zq7?xKv9jW", "Zq7#xKv9jW", "Zq7%xKv9jW", "Zq7&xKv=9jW", "Zq7 xKv9jW", "@Zq7/xKv9jW", "Zq7,xKv;9jW"} {
		for _, template := range []string{
			"redis://u:PW@127.0.0.1:1/0", "redis://:PW@127.0.0.1:1", "redis://u:PW", "redis://PW", "redis://PW@127.0.0.1:1", "u:PW@127.0.0.1:1", "PW", "redis://127.0.0.1:1/0?password=PW",
			"redis://127.0.0.1:1/PW", "redis://127.0.0.1:1?addr=u:PW@127.0.0.1:1", "rediss://u:PW@127.0.0.1:1", "unix://u:PW@/nowhere", "redis:/u:PW@127.0.0.1:1", "redis://127.0.0.1:1?db=PW",
			"redis://127.0.0.1:1?master_set=m&sentinel_password=PW", "redis://127.0.0.1:1?dial_timeout=PW", "redis://127.0.0.1:1,u:PW@127.0.0.1:1", "redis://127.0.0.1:1?addr=PW:1",
		} {
			for _, form := range []string{password, url.QueryEscape(password), url.PathEscape(password)} {
				try(strings.ReplaceAll(template, "PW", form), password)
			}
		}
		// One character is missing or too many, or the rest is missing.
		whole := "redis://u:" + password + "@127.0.0.1:1/0?db=0"
		for at := range whole {
			for _, damaged := range []string{whole[:at] + whole[at+1:], whole[:at] + ":" + whole[at:], whole[:at] + "@" + whole[at:], whole[:at] + "%" + whole[at:], whole[:at]} {
				if strings.Contains(damaged, "127.0.0.1") || !strings.Contains(damaged, "0.0.") { // never another address
					try(damaged, password)
				}
			}
		}
	}
	if failed < 1000 {
		t.Errorf("only %d errors", failed)
	}
}
