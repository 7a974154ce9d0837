package pages

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

func (c Config) withDefaults(mount string) (Config, error) {
	if c.Path == "" {
		c.Path = mount
	}
	c.Path = strings.TrimSuffix(c.Path, "/") + "/"
	if !strings.HasPrefix(c.Path, "/") || path.Clean(c.Path) == "/" || path.Clean(c.Path)+"/" != c.Path || strings.ContainsFunc(c.Path, notInPath) {
		return c, fmt.Errorf("pages: Config.Path %q is not a path of plain segments, such as %q", c.Path, mount)
	}
	if base := strings.TrimSuffix(c.BasePath, "/"); base != "" {
		if !strings.HasPrefix(base, "/") || path.Clean(base) != base || strings.ContainsFunc(base, notInPath) {
			return c, fmt.Errorf("pages: Config.BasePath %q is not a path of plain segments, such as \"/app\"", c.BasePath)
		}
	}
	c.BasePath = strings.TrimSuffix(c.BasePath, "/")
	for field, address := range map[string]string{"StyleSheet": c.StyleSheet, "Icon": c.Icon} {
		if _, err := origin(address); address != "" && err != nil {
			return c, fmt.Errorf("pages: Config.%s: %w", field, err)
		}
	}
	if err := checkSources(c.Sources); err != nil {
		return c, err
	}
	if c.DescribeTime < 0 {
		return c, fmt.Errorf("pages: Config.DescribeTime is %v", c.DescribeTime)
	}
	c.DescribeTime = cmp.Or(c.DescribeTime, time.Second)
	c.Links = slices.Clone(c.Links)
	for i, l := range c.Links {
		if l.Text == "" {
			return c, fmt.Errorf("pages: Config.Links[%d] has no text", i)
		}
		if _, err := origin(l.URL); err != nil {
			return c, fmt.Errorf("pages: Config.Links[%d]: %w", i, err)
		}
	}
	if c.RequireFresh < 0 {
		return c, fmt.Errorf("pages: Config.RequireFresh is %v", c.RequireFresh)
	}
	most := cmp.Or(c.RequireFresh, math.MaxInt64)
	switch {
	case c.FreshToRevoke > most:
		return c, fmt.Errorf("pages: Config.FreshToRevoke is %v, which is more than RequireFresh", c.FreshToRevoke)
	case c.FreshToRevoke == 0 && c.SignIn != nil:
		c.FreshToRevoke = min(defaultFresh, most)
	case c.FreshToRevoke <= 0:
		c.FreshToRevoke = c.RequireFresh
	}
	if c.CrossOrigin == nil {
		c.CrossOrigin = http.NewCrossOriginProtection()
	}
	if c.Languages == nil {
		c.Languages = []*Language{English(), German()}
	}
	seen := map[string]bool{}
	for i, l := range c.Languages {
		if l == nil || l.tag == "" {
			return c, fmt.Errorf("pages: Config.Languages[%d] is empty: use ParseLanguage", i)
		}
		if seen[l.tag] {
			return c, fmt.Errorf("pages: Config.Languages has %s twice", l.tag)
		}
		seen[l.tag] = true
	}
	if len(c.Languages) == 0 {
		return c, errors.New("pages: Config.Languages has none")
	}
	if c.Localize == nil {
		c.Localize = func(ctx context.Context, _ string) context.Context { return ctx }
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}

// origin returns the origin of an address, or "" for a path. To browsers two slashes or more, and backslashes, are before a host.
func origin(address string) (string, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil, strings.ContainsFunc(u.Host, func(r rune) bool { return r != ':' && r != '[' && r != ']' && notInPath(r) }):
	case u.Scheme == "" && u.Host == "" && strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//") && !strings.Contains(address, `\`):
		return "", nil
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host != "":
		return u.Scheme + "://" + u.Host, nil
	}
	return "", fmt.Errorf("%q is neither a path nor an address with http or https", address)
}

func notInPath(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	return !letter && !strings.ContainsRune("-._~/", r)
}
