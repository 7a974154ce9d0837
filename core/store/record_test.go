package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestRecordLive(t *testing.T) {
	t.Parallel()
	r := someRecord()
	for _, c := range []struct {
		at   time.Time
		want bool
	}{
		{r.ExpiresAt.Add(-time.Microsecond), true},
		{r.ExpiresAt, false},
		{r.ExpiresAt.Add(time.Microsecond), false},
	} {
		if got := r.Live(c.at); got != c.want {
			t.Errorf("Live(%v) = %t with the end at %v, want %t", c.at, got, r.ExpiresAt, c.want)
		}
	}
	if (&Record{}).Live(time.Now()) {
		t.Error("a record without an end is live")
	}
}

func TestRecordClone(t *testing.T) {
	t.Parallel()
	r := someRecord()
	r.Tag = 5
	c := r.Clone()
	if !reflect.DeepEqual(c, r) {
		t.Fatalf("Clone = %+v, want %+v", c, r)
	}
	c.Secret[0]++
	c.Data[0]++
	if want := someRecord(); !reflect.DeepEqual([2][]byte{r.Secret, r.Data}, [2][]byte{want.Secret, want.Data}) {
		t.Errorf("a change of the clone changed the record: %v, %s", r.Secret, r.Data)
	}
}

func TestPendingError(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("delete: %w", &PendingError{EffectiveBy: someMoment.In(time.FixedZone("", 3600)), Err: context.DeadlineExceeded})
	var p *PendingError
	if !errors.As(err, &p) || !errors.Is(p.Err, context.DeadlineExceeded) {
		t.Errorf("%v does not unwrap to it", err)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, which is no failure, matches that of the cache", err)
	}
	if want := "2026-01-02T03:04:05Z"; !strings.Contains(err.Error(), want) {
		t.Errorf("%q does not say %s", err, want)
	}
}

// cached answers Load from a copy.
type cached struct{ Store }

func (cached) Load(context.Context, ID) (*Record, error) { return &Record{User: "copy"}, nil }

func (cached) LoadFresh(context.Context, ID) (*Record, error) { return &Record{User: "fresh"}, nil }

// plain hides LoadFresh.
type plain struct{ Store }

func TestLoadFresh(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]Store{"fresh": cached{}, "copy": plain{cached{}}} {
		if r, err := LoadFresh(t.Context(), s, ID{}); err != nil || r.User != want {
			t.Errorf("LoadFresh of a %T = %+v, %v; want the %s record", s, r, err, want)
		}
	}
}
