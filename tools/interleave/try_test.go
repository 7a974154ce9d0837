package interleave

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TRY="exchange,exchange" CACHE STATE
func TestTry(t *testing.T) {
	all := []State{Warm}
	if os.Getenv("ALL") != "" {
		all = everyState
	}
	for _, line := range strings.Split(os.Getenv("TRY"), ";") {
		var ops []Op
		for _, name := range strings.Split(line, ",") {
			for k, n := range opNames {
				if n == name {
					ops = append(ops, Op(k))
				}
			}
		}
		faults, _ := strconv.Atoi(os.Getenv("FAULTS"))
		for _, c := range everyCache {
			for _, s := range all {
				cfg := Config{Cache: c, State: s, Ops: ops, Faults: Faults(faults), Anonymous: os.Getenv("ANON") != ""}
				at := time.Now()
				got := Explore(t, cfg)
				t.Logf("%v: %d (%d) %v", &cfg, got.Schedules, got.Given, time.Since(at))
				if got.Broken > 0 {
					t.Errorf("%v: %d broken; %v", &cfg, got.Broken, got.Shortest)
				}
			}
		}
	}
}
