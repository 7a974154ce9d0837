package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/qsessions/qsessions/tools/internal/geoipdownload"
)

const licenseKeyEnv = "MAXMIND_LICENSE_KEY"

type geoipDownloadCmd struct {
	Dir            string   `required:"" placeholder:"DIR" help:"Folder of the databases. It must exist."`
	Edition        []string `default:"GeoLite2-City,GeoLite2-Country" placeholder:"ID" help:"Which databases, such as GeoLite2-ASN or GeoIP2-City. Default: ${default}."`
	AccountID      string   `env:"MAXMIND_ACCOUNT_ID" placeholder:"N" help:"Number of your account at MaxMind."`
	LicenseKeyFile string   `placeholder:"PATH" help:"File with the license key. Default: the key is in the environment variable MAXMIND_LICENSE_KEY."`
	LicenseKey     string   `hidden:"" help:"Refused, see Validate."`
	Endpoint       string   `default:"https://updates.maxmind.com" placeholder:"URL" help:"Server to ask. Default: ${default}."`
}

// Help implements kong's long help.
func (*geoipDownloadCmd) Help() string {
	return `The server is asked which database it has, and a file is downloaded only if it is another one. It replaces the old one in one
step, once its checksum is right and it opens and answers. Applications with package geoip pick it up while they run.

An account is free for GeoLite2. For cron, twice a week is enough:

  17 4 * * 3,6  MAXMIND_ACCOUNT_ID=… qsessions geoip download --dir /var/lib/GeoIP --license-key-file /etc/maxmind.key

No flag takes the key itself, because other users of the machine can see what a command line says.

Exit codes: 0 all databases are current; 1 one of them could not be had, an option cannot be used, or it was interrupted: what was there before
is still there; 2 the command line cannot be read, or has no account ID or license key.`
}

// Validate implements kong's check of a command line.
func (c *geoipDownloadCmd) Validate() error {
	if c.LicenseKey != "" {
		return errors.New("other users of the machine can see a license key on the command line. Make a new one, and use --license-key-file or the environment variable " + licenseKeyEnv)
	}
	if slices.ContainsFunc(c.Edition, keyLike) {
		return errors.New("--edition: that looks like a license key; editions are named as GeoLite2-City is")
	}
	if c.AccountID == "" {
		return errors.New("missing: --account-id, or the environment variable MAXMIND_ACCOUNT_ID")
	}
	if c.LicenseKeyFile == "" && os.Getenv(licenseKeyEnv) == "" {
		return errors.New("missing: --license-key-file, or the environment variable " + licenseKeyEnv)
	}
	return nil
}

// Run downloads what has changed. One database that cannot be had does not keep the next one from coming, unless it has the
// same problem.
func (c *geoipDownloadCmd) Run(ctx context.Context, std stdio) error {
	key, err := c.licenseKey()
	if err != nil {
		return err
	}
	show := progress{std: std}
	client, err := geoipdownload.New(geoipdownload.Config{
		AccountID: c.AccountID, LicenseKey: key, Endpoint: c.Endpoint, Dir: c.Dir, Progress: show.bytes,
	})
	if err != nil {
		return err
	}
	defer client.Close()
	var failed error
	for _, edition := range c.Edition {
		res, err := client.Update(ctx, edition)
		show.done(edition, res, err)
		failed = errors.Join(failed, err)
		if errors.Is(err, geoipdownload.ErrRefused) || errors.Is(err, geoipdownload.ErrQuota) || ctx.Err() != nil {
			break
		}
	}
	return failed
}

func (c *geoipDownloadCmd) licenseKey() (string, error) {
	if c.LicenseKeyFile == "" {
		return os.Getenv(licenseKeyEnv), nil
	}
	f, err := os.Open(c.LicenseKeyFile)
	if err != nil {
		if e, ok := errors.AsType[*fs.PathError](err); ok { // its path may be the key itself
			err = e.Err
		}
		return "", fmt.Errorf("--license-key-file: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 4<<10))
	if err != nil {
		return "", fmt.Errorf("--license-key-file: %w", err)
	}
	return string(bytes.TrimSpace(b)), nil
}

// progress shows on a terminal how far it is, and nothing elsewhere.
type progress struct {
	std   stdio
	shown time.Time
}

func (p *progress) bytes(edition string, got, all int64) {
	if !p.std.terminal || got != all && time.Since(p.shown) < 100*time.Millisecond {
		return
	}
	p.shown = time.Now()
	const mb = 1e6
	fmt.Fprintf(p.std.err, "\r%s: %.1f", edition, float64(got)/mb)
	if all > 0 {
		fmt.Fprintf(p.std.err, " of %.1f", float64(all)/mb)
	}
	fmt.Fprint(p.std.err, " MB ")
}

func (p *progress) done(edition string, res geoipdownload.Result, err error) {
	if !p.std.terminal {
		return
	}
	switch {
	case err != nil:
		if !p.shown.IsZero() {
			fmt.Fprintln(p.std.err)
		}
	case res.New:
		fmt.Fprintf(p.std.err, "\r%s: downloaded, of %s \n", edition, res.Date)
	default:
		fmt.Fprintf(p.std.err, "%s: still current, of %s\n", edition, res.Date)
	}
	p.shown = time.Time{}
}
