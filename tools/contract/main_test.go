package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/conformance/adaptertest"
	"github.com/qsessions/qsessions/conformance/cachetest"
	"github.com/qsessions/qsessions/conformance/storetest"
)

// Each clause is on the page, in an area that is explained.
func TestPage(t *testing.T) {
	t.Parallel()
	got := string(page(storetest.Cases(), cachetest.Cases(), adaptertest.Cases()))
	stores, caches, ok := strings.Cut(got, "\n# The contract of caches\n")
	if !ok {
		t.Fatal("the page has no part for caches")
	}
	caches, adapters, ok := strings.Cut(caches, "\n# The contract of adapters\n")
	if !ok {
		t.Fatal("the page has no part for adapters")
	}
	for _, k := range storetest.Cases() {
		onPage(t, stores, areas, k.Name, k.Why)
	}
	for _, k := range cachetest.Cases() {
		onPage(t, caches, cacheAreas, k.Name, k.Why)
	}
	for _, k := range adaptertest.Cases() {
		onPage(t, adapters, adapterAreas, k.Name, k.Why)
	}
	if n := strings.Count(adapters, "\n## Adapters: "); n != len(adapterAreas) {
		t.Errorf("adapters: got %d areas, want %d", n, len(adapterAreas))
	}
	if n := strings.Count(stores, "\n## "); n != len(areas) {
		t.Errorf("stores: got %d areas, want %d", n, len(areas))
	}
	if n := strings.Count(caches, "\n## Caches: "); n != len(cacheAreas) {
		t.Errorf("caches: got %d areas, want %d", n, len(cacheAreas))
	}
}

func onPage(t *testing.T, part string, areas map[string]string, name, why string) {
	t.Helper()
	a, _, _ := strings.Cut(name, "/")
	if areas[a] == "" {
		t.Errorf("area %s has no text", a)
	}
	if !strings.Contains(part, "| `"+name+"` | "+cell(why)+" |") {
		t.Errorf("%s is not on the page", name)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "contract.md")
	if err := run(path, true); err == nil {
		t.Error("check of a missing file: got no error")
	}
	if err := run(path, false); err != nil {
		t.Fatal(err)
	}
	if err := run(path, true); err != nil {
		t.Errorf("check of a fresh file: got %v, want no error", err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"a changed line": strings.Replace(string(b), "save/conflict", "save/other", 1), "a missing end": string(b[:len(b)/2]), "nothing": "", "more": string(b) + "x\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := run(path, true); err == nil || !strings.Contains(err.Error(), "go run ./tools/contract") || !strings.Contains(err.Error(), "line ") {
			t.Errorf("check of %s: got %v, want a hint", what, err)
		}
	}
}
