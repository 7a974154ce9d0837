package session

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// TestConfigRefused: SEC-1, BAD-60. New refuses what is negative, absurd, or contradicts itself, and says which field.
func TestConfigRefused(t *testing.T) {
	t.Parallel()
	key := make([]byte, 32)
	tests := []struct {
		field string
		c     Config
	}{
		{"Idle", Config{Policy: Policy{Idle: time.Second - 1}}},
		{"RememberIdle", Config{Policy: Policy{RememberIdle: 1}}},
		{"Idle", Config{Policy: Policy{Idle: 13 * time.Hour}}},
		{"Idle", Config{Policy: Policy{Idle: time.Minute, Lifetime: time.Second}}},
		{"RememberIdle", Config{Policy: Policy{RememberIdle: 31 * 24 * time.Hour}}},
		{"RotateEvery", Config{Policy: Policy{RotateEvery: 9 * time.Second}}},
		{"RotateEvery", Config{Policy: Policy{RotateEvery: time.Hour, Grace: 2 * time.Hour}}},
		{"EndOnReplay", Config{Policy: Policy{EndOnReplay: true}}},
		{"MaxData", Config{MaxData: -1}},
		{"MaxData", Config{MaxData: 8<<20 + 1}},
		{"SweepBatch", Config{SweepBatch: -1}},
		{"SweepBatch", Config{SweepBatch: 10_001}},
		{"PerUser.Max", Config{PerUser: Limit{Max: -1}}},
		{"PerUser.Max", Config{PerUser: Limit{Max: math.MaxInt}}},
		{"Header", Config{Header: "a b"}},
		{"Header", Config{Header: "X-Session\r\n"}},
		{"Header", Config{Header: strings.Repeat("x", 129)}},
		{"Header", Config{Header: "cookie"}},
		{"Header", Config{Header: "SET-COOKIE"}},
		{"Header", Config{Header: "Session", Cookie: Cookie{Name: "sid"}}}, // RPT-47
		{"Header", Config{Header: "Session", OldCookies: []Cookie{{}}}},
		{"RotateEvery", Config{Policy: Policy{RotateEvery: 4*time.Minute - 1}}},
		{"AnonymousIdle", Config{Policy: Policy{AnonymousIdle: 1}}},
		{"AnonymousIdle", Config{Policy: Policy{AnonymousIdle: time.Hour, AnonymousLifetime: time.Minute}}},
		{"Realm", Config{Realm: strings.Repeat("x", 129)}},
		{"Keys[1]", Config{Keys: [][]byte{key, key[:31]}}},
		{"Keys[0]", Config{Keys: [][]byte{nil}}},
		{"Keys[1]", Config{Keys: [][]byte{key, make([]byte, 32)}}},
		{"ReadPlaintext", Config{ReadPlaintext: true}},
		{"WritePlaintext", Config{Keys: [][]byte{key}, WritePlaintext: true}},
		{"ReadPlaintext", Config{ReadPlaintext: true, WritePlaintext: true}},
		{"Enrichers[1]", Config{Enrichers: []Enricher{EnricherFunc(nil), nil}}},
	}
	for _, d := range []time.Duration{-1, -time.Hour, math.MinInt64, math.MaxInt64, maxDuration + 1} {
		tests = append(tests, []struct {
			field string
			c     Config
		}{
			{"Idle", Config{Policy: Policy{Idle: d}}}, {"Lifetime", Config{Policy: Policy{Lifetime: d}}},
			{"RememberIdle", Config{Policy: Policy{RememberIdle: d}}},
			{"RememberLifetime", Config{Policy: Policy{RememberLifetime: d}}},
			{"TouchEvery", Config{Policy: Policy{TouchEvery: d}}}, {"RotateEvery", Config{Policy: Policy{RotateEvery: d}}},
			{"Grace", Config{Policy: Policy{Grace: d}}}, {"EnrichTimeout", Config{EnrichTimeout: d}},
			{"StoreTimeout", Config{StoreTimeout: d}}, {"SweepEvery", Config{SweepEvery: d}},
		}...)
	}
	for _, test := range tests {
		m, err := New(new(spy), test.c)
		if m != nil || err == nil || !strings.Contains(err.Error(), "Config.") || !strings.Contains(err.Error(), test.field) {
			t.Errorf("%s: New(%+.200v): got %v, want an error that names the field", test.field, test.c, err)
		}
		if err != nil && len(test.c.Keys) > 0 && strings.Contains(err.Error(), fmt.Sprintf("%x", key)) {
			t.Errorf("%s: the error holds a key", test.field)
		}
	}
	if m, err := New(nil, Config{}); err == nil || m != nil {
		t.Errorf("New(nil) = %v, %v; want an error", m, err)
	}
}

// plain is a store that is no store.Indexed.
type plain struct{ store.Store }

// TestConfigNeedsIndexed: SEC-1. A cap of sessions over a store that cannot list them is refused, not ignored.
func TestConfigNeedsIndexed(t *testing.T) {
	t.Parallel()
	if _, err := New(plain{new(spy)}, Config{PerUser: Limit{Max: 3}}); err == nil || !strings.Contains(err.Error(), "PerUser") {
		t.Errorf("got %v, want an error about PerUser", err)
	}
	if _, err := New(plain{new(spy)}, Config{}); err != nil {
		t.Error(err)
	}
}

// TestConfigIsCopied: what the caller does with a key afterwards changes nothing.
func TestConfigIsCopied(t *testing.T) {
	t.Parallel()
	key := []byte(strings.Repeat("k", 32))
	st := new(spy)
	v := visitor{t: t, m: manager(t, st, Config{Keys: [][]byte{key}})}
	v.do(func(s Session) { Key[int]("n").Set(s, 7) })
	w := visitor{t: t, m: manager(t, st, Config{Keys: [][]byte{[]byte(strings.Repeat("k", 32))}}), token: v.token}
	clear(key)
	for _, v := range []visitor{v, w} {
		v.do(func(s Session) {
			if n := Key[int]("n").Get(s); n != 7 {
				t.Errorf("got %d, want 7", n)
			}
		})
	}
}

// TestConfigDefaults: the zero Config works, and its limits are the documented ones.
func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	c, err := Config{}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintln(c.MaxData, c.SweepBatch, c.PerUser.Max, c.EnrichTimeout, c.StoreTimeout, c.SweepEvery, c.Header, c.Cookie.Name)
	if want := "65536 500 0 2s 5s 10m0s  __Host-session\n"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if c.Codec != (JSON{}) || c.Logger.Enabled(context.Background(), 100) {
		t.Error("the default codec is not JSON, or the default logger logs")
	}
}
