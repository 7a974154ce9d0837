package memcachestore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// maxServers bounds what one list of servers may have.
const maxServers = 1000

// lookupTimeout bounds how long the names of servers are looked up.
const lookupTimeout = 2 * time.Second

// openCluster validates its arguments. kind goes into each key: it names what the entries are, and their form.
func openCluster(ctx context.Context, servers []string, c Config, timeout time.Duration, kind string) (*cluster, error) {
	c, err := c.withDefaults(timeout)
	if err != nil {
		return nil, err
	}
	if len(servers) == 0 {
		return nil, errors.New("memcachestore: no servers")
	}
	if len(servers) > maxServers {
		return nil, fmt.Errorf("memcachestore: more than %d servers", maxServers)
	}
	dial := c.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memcachestore: open: %w", err)
	}
	looking, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	cl := &cluster{prefix: c.Prefix + kind, timeout: c.Timeout, maxSize: c.MaxItem - itemOverhead}
	for i, name := range servers {
		if strings.Contains(name, "@") && !strings.HasPrefix(name, "/") { // a URL with a password, which is not to be quoted
			return nil, fmt.Errorf("memcachestore: server %d of %d is neither host:port nor the absolute path of a socket: users and passwords are for Dial", i+1, len(servers))
		}
		if strings.HasPrefix(name, "//") {
			return nil, fmt.Errorf("memcachestore: server %d of %d begins with two slashes, as no path of a socket does", i+1, len(servers))
		}
		if slices.Contains(servers[:i], name) {
			return nil, fmt.Errorf("memcachestore: server %q is there twice", name)
		}
		s := &server{network: "tcp", addr: name, seed: seed(name), maxIdle: c.MaxIdleConns, maxItem: c.MaxItem, dialContext: dial}
		if strings.HasPrefix(name, "/") {
			s.network = "unix"
		} else if err := check(looking, name, c.Dial == nil); err != nil {
			return nil, fmt.Errorf("memcachestore: server %q: %w", name, err)
		}
		cl.servers = append(cl.servers, s)
	}
	return cl, nil
}

// check says what is wrong with a server's name. The name is looked up again for each connection, as the address of a
// server may change; so it must not stand for several. It may be unknown for now: names of a platform are while no server
// of theirs runs.
func check(ctx context.Context, name string, lookup bool) error {
	host, port, err := net.SplitHostPort(name)
	if err != nil {
		return errors.New("neither host:port nor the absolute path of a socket")
	}
	if host == "" {
		return errors.New("no host")
	}
	if _, err := net.DefaultResolver.LookupPort(ctx, "tcp", port); err != nil || port == "" || port == "0" {
		return errors.New("no such port")
	}
	if !lookup {
		return nil
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil // the server may come later; its calls say why there is none
	}
	v4 := 0
	for _, a := range addrs {
		if a.Unmap().Is4() {
			v4++
		}
	}
	if v4 > 1 || len(addrs)-v4 > 1 {
		return fmt.Errorf("the name stands for %d addresses: list the servers one by one", len(addrs))
	}
	return nil
}
