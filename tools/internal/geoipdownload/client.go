// Package geoipdownload keeps the files of MaxMind's databases current.
package geoipdownload

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Endpoint is MaxMind's server.
const Endpoint = "https://updates.maxmind.com"

// Config configures a [Client].
type Config struct {
	AccountID  string // a number
	LicenseKey string // only ever sent in a header, and in no error
	// Endpoint is the server; default [Endpoint]. Plain http is for the loopback alone.
	Endpoint string
	// Dir is where the files are.
	Dir string
	// MaxSize is how many bytes an archive, and what is in it, may have; default 1 GiB.
	MaxSize int64
	// Stall is how long the server may send nothing; default 30 seconds.
	Stall time.Duration
	// Timeout is for all of one edition; default 1 hour.
	Timeout time.Duration
	// Progress is told how many bytes of an archive have come, of how many, or of -1.
	Progress func(edition string, got, all int64)
}

// The errors that are the same for each edition, so that there is no use in trying the next one.
var (
	ErrRefused = errors.New("the server refuses the account ID or the license key")
	ErrQuota   = errors.New("the downloads of this day are used up; try again tomorrow")
)

// A Client asks for databases. It is safe for concurrent use.
type Client struct {
	cfg  Config
	http *http.Client
}

// New returns a client, or says what is wrong with c.
func New(c Config) (*Client, error) {
	if c.AccountID == "" || strings.Trim(c.AccountID, "0123456789") != "" || len(c.AccountID) > 20 {
		return nil, errors.New("the account ID must be a number")
	}
	if c.LicenseKey == "" || len(c.LicenseKey) > 256 || strings.ContainsFunc(c.LicenseKey, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the license key is empty, or no license key")
	}
	if c.Endpoint == "" {
		c.Endpoint = Endpoint
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the endpoint must be https://HOST or https://HOST/PATH")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, errors.New("the endpoint must be https: the license key is sent there")
	}
	c.Endpoint = strings.TrimRight(c.Endpoint, "/")
	if c.MaxSize == 0 {
		c.MaxSize = 1 << 30
	}
	if c.Stall == 0 {
		c.Stall = 30 * time.Second
	}
	if c.Timeout == 0 {
		c.Timeout = time.Hour
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: 15 * time.Second,
		ForceAttemptHTTP2:   true,
		DisableCompression:  true, // it is an archive anyway
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, response *http.Response) error {
			if response.StatusCode != http.StatusOK {
				return fmt.Errorf("%w: %d", errProxy, response.StatusCode)
			}
			return nil
		},
	}
	return &Client{c, &http.Client{Transport: transport, CheckRedirect: redirect}}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

var (
	errRedirect = errors.New("the server redirects")
	errProxy    = errors.New("the proxy does not let it through")
)

// redirect follows to where MaxMind keeps its files. The key is for the first host and port only; the http package would send
// it to other ports and to hosts below too.
func redirect(r *http.Request, via []*http.Request) error {
	if len(via) > 5 {
		return fmt.Errorf("%w too often", errRedirect)
	}
	if via[0].URL.Scheme == "https" && r.URL.Scheme != "https" {
		return fmt.Errorf("%w away from https", errRedirect)
	}
	if r.URL.Host != via[0].URL.Host {
		r.Header.Del("Authorization")
	}
	return nil
}

// get requests a path. The caller closes the body.
func (c *Client) get(ctx context.Context, edition, path string, query url.Values) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.cfg.Endpoint+path+"?"+query.Encode(), nil)
	if err != nil {
		return nil, errors.New("the endpoint cannot be used")
	}
	r.SetBasicAuth(c.cfg.AccountID, c.cfg.LicenseKey)
	r.Header.Set("User-Agent", "qsessions")
	response, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be reached: %w", r.URL.Host, plain(err))
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, statusError(edition, response.StatusCode)
	}
	return response, nil
}

// plain returns what went wrong with a request, without words of the server, which might be addresses that open the file
// for anyone who has them.
func plain(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok { // it has the address
		err = e.Err
	}
	_, network := errors.AsType[net.Error](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	if network || certificate || errors.Is(err, errRedirect) || errors.Is(err, errProxy) || errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		return err
	}
	return errors.New("the answer cannot be understood")
}

// withoutKey returns err, or another error if it has the license key: as it is, or as it is sent. MaxMind's keys have 16
// characters or more; what is short is none, and may be one of our words.
func (c *Client) withoutKey(err error) error {
	if len(c.cfg.LicenseKey) < 12 {
		return err
	}
	sent := base64.StdEncoding.EncodeToString([]byte(c.cfg.AccountID + ":" + c.cfg.LicenseKey))
	if text := err.Error(); strings.Contains(text, c.cfg.LicenseKey) || strings.Contains(text, sent) {
		return errors.New("it failed, and why cannot be said, because the server repeats the license key")
	}
	return err
}

// statusError says what a status means, without the server's words, which might repeat what was sent.
func statusError(edition string, status int) error {
	switch status {
	case http.StatusUnauthorized:
		return ErrRefused
	case http.StatusPaymentRequired, http.StatusForbidden:
		return errors.New("this account may not download " + edition)
	case http.StatusNotFound:
		return errors.New("there is no edition " + edition)
	case http.StatusTooManyRequests:
		return ErrQuota
	}
	return fmt.Errorf("the server answers %d %s", status, http.StatusText(status))
}

// metadata is what the server has.
type metadata struct {
	Edition string `json:"edition_id"`
	Date    string `json:"date"`
	MD5     string `json:"md5"` // of the database, not of the archive
}

var (
	goodEdition = regexp.MustCompile(`^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$`)
	goodDate    = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	goodMD5     = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

func (c *Client) metadata(ctx context.Context, edition string) (m metadata, err error) {
	response, err := c.get(ctx, edition, "/geoip/updates/metadata", url.Values{"edition_id": {edition}})
	if err != nil {
		return m, err
	}
	defer response.Body.Close()
	b, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return m, early(ctx, err)
	}
	var answer struct {
		Databases []metadata `json:"databases"`
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return m, errors.New("what the server says of the edition is no JSON")
	}
	for _, m := range answer.Databases {
		if m.Edition == edition && goodDate.MatchString(m.Date) && goodMD5.MatchString(m.MD5) {
			return m, nil
		}
	}
	return m, errors.New("the server does not say which database it has")
}
