package stores

import (
	"slices"
	"strings"
	"testing"
)

func TestParseCache(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		address, redis, name string
		memcached            []string
	}{
		{"redis://h:6379", "redis://h:6379", "redis://h:6379", nil},
		{"redis://u:p@h:6379/2?addr=i:6379", "redis://u:p@h:6379/2?addr=i:6379", "redis://u@h:6379/2", nil},
		{"rediss://:p@h", "rediss://:p@h", "rediss://h", nil},
		{"memcached://h", "", "memcached://h:11211", []string{"h:11211"}},
		{"memcached://h:1,[::1]:2,i/", "", "memcached://h:1,[::1]:2,i:11211", []string{"h:1", "[::1]:2", "i:11211"}},
	} {
		a, err := ParseCache(test.address)
		if err != nil || a.redis != test.redis || a.String() != test.name || !slices.Equal(a.memcached, test.memcached) {
			t.Errorf("ParseCache(%q): got %q %q %q, %v", test.address, a.redis, a.memcached, a, err)
		}
	}
}

// TestParseCacheErrors wants what is wrong, and no password.
func TestParseCacheErrors(t *testing.T) {
	t.Parallel()
	const password = "hunter2hunter2"
	for _, test := range []struct{ address, want string }{
		{"", "none of"},
		{"u:" + password + "@h", "none of"},
		{"http://u:" + password + "@h", "none of"},
		{"redis://u:" + password + "/@h", "not a valid URL"},
		{"redis:///0", "no host"},
		{"memcached://", "malformed"},
		{"memcached://u:" + password + "@h", "malformed"},
		{"memcached://h,,i", "malformed"},
		{"memcached://h/x", "malformed"},
		{"memcached://h:x", "malformed"},
	} {
		a, err := ParseCache(test.address)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), password) {
			t.Errorf("ParseCache(%q): got %v, %v, want an error with %q", test.address, a, err, test.want)
		}
	}
}
