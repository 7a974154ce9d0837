package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// words are the texts of the pages in one language, as its file has them.
type words struct {
	t     *testing.T
	texts map[string]any // a string, or one for each plural form
}

func speak(t *testing.T, tag string) words {
	t.Helper()
	b, err := os.ReadFile("../../adapters/nethttp/pages/languages/" + tag + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Texts map[string]any }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	return words{t, file.Texts}
}

// say returns a text. pairs are placeholders and what stands for them.
func (w words) say(key string, pairs ...string) string {
	w.t.Helper()
	return w.fill(key, w.texts[key], pairs)
}

// count returns a text about n.
func (w words) count(key string, n int, pairs ...string) string {
	w.t.Helper()
	forms, _ := w.texts[key].(map[string]any)
	form := "other"
	if n == 1 {
		form = "one"
	}
	b, err := json.Marshal(n)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.fill(key, forms[form], append([]string{"n", string(b)}, pairs...))
}

func (w words) fill(key string, text any, pairs []string) string {
	w.t.Helper()
	s, ok := text.(string)
	if !ok {
		w.t.Fatalf("there is no text %q", key)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		s = strings.ReplaceAll(s, "{"+pairs[i]+"}", pairs[i+1])
	}
	return s
}
