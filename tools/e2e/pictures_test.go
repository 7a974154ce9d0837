package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPictures takes the two pictures of the README:
//
//	go test -run TestPictures . -args -screenshots ../../docs/screenshots
func TestPictures(t *testing.T) {
	t.Parallel()
	site := startDemo(t)
	alice, olga := newTab(t, site, android), newTab(t, site, desktop)
	alice.signIn("alice", accountPath)
	alice.look(false, false)
	alice.screenshot("account")
	olga.signIn("olga", adminPath+"?limit=6")
	olga.screenshot("admin")
	for _, name := range []string{"account.png", "admin.png"} {
		const most = 150_000
		info, err := os.Stat(filepath.Join(screenshotDir(t), name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > most {
			t.Errorf("%s has %d bytes, more than %d", name, info.Size(), most)
		}
	}
}
