package demo

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/tools/internal/stores/storestest"
)

// TestTheme: PAG-14. The theme that a visitor has chosen reaches the pages about sessions, and each page has an icon.
func TestTheme(t *testing.T) {
	t.Parallel()
	eachAdapter(t, func(t *testing.T, adapter Adapter) {
		site := start(t, adapter, storestest.SQLite(t), "")
		olga := site.browser(t, "x")
		olga.signIn(t, Operator)
		for _, theme := range []string{"dark", "light"} {
			olga.post(t, "/theme", "theme", theme)
			for _, path := range []string{"/", ownPath, allPath, allPath + "charts", ownPath + "nothing"} {
				v := olga.get(t, path)
				if !strings.Contains(v.body, `data-theme="`+theme+`"`) || !strings.Contains(v.body, `<meta name="color-scheme" content="`+theme+`">`) {
					t.Errorf("%s is not %s", path, theme)
				}
				if !strings.Contains(v.body, `<link rel="icon" href="/icon.svg">`) {
					t.Errorf("%s has no icon", path)
				}
			}
		}
	})
}

type lockedLog struct {
	mu sync.Mutex
	strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Builder.Write(p)
}

// TestActor: PAG-6. The line about a session that an operator has ended names the operator, and the address as the operator's.
func TestActor(t *testing.T) {
	t.Parallel()
	places, err := ExamplePlaces()
	if err != nil {
		t.Fatal(err)
	}
	log := new(lockedLog)
	app, err := New(new(memory.Store), places, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(app.handler())
	defer server.Close()
	site := &site{url: server.URL}
	alice, olga := site.browser(t, "one"), site.browser(t, "two")
	alice.signIn(t, "alice")
	olga.signIn(t, Operator)
	olga.post(t, ownPath+"revoke-others")
	id := alice.of(t, "one").ID
	olga.post(t, allPath+id+"/revoke")
	log.mu.Lock()
	defer log.mu.Unlock()
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "msg=revoked") && strings.Contains(line, id) {
			if !strings.Contains(line, " user=alice ") || !strings.Contains(line, " by=olga ") || !strings.Contains(line, " by_ip=127.0.0.1") || strings.Contains(line, " ip=") {
				t.Errorf("the line is %s", line)
			}
			return
		}
	}
	t.Errorf("the log has no such line:\n%s", log.String())
}
