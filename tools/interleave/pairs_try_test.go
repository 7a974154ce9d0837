package interleave

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

func TestPairsTry(t *testing.T) {
	faults, _ := strconv.Atoi(os.Getenv("FAULTS"))
	states := []State{Cold, Warm}
	if os.Getenv("ONE") != "" {
		states = []State{Warm}
	}
	if os.Getenv("ALL") != "" {
		states = everyState
	}
	total := 0
	for a := Load; a <= Forge; a++ {
		for b := a; b <= Forge; b++ {
			t.Run(a.String()+"|"+b.String(), func(t *testing.T) {
				t.Parallel()
				at := time.Now()
				n := 0
				for _, c := range everyCache {
					if os.Getenv("ONE") != "" && c == Memcached {
						continue
					}
					for _, s := range states {
						for _, anon := range []bool{false, true} {
							cfg := Config{Cache: c, State: s, Ops: []Op{a, b}, Faults: Faults(faults), Anonymous: anon}
							if anon && (!(slices.Contains(cfg.Ops, Login)) || cfg.has(Switch) || cfg.has(Reauth) || cfg.has(Others) || cfg.has(OthersAborted)) {
								continue
							}
							got := Explore(t, cfg)
							n += got.Schedules
							if got.Broken > 0 {
								t.Errorf("%v: %d of %d broken; %v", &cfg, got.Broken, got.Schedules, got.Shortest)
								return
							}
						}
					}
				}
				t.Logf("N %d %v", n, time.Since(at))
				total += n
			})
		}
	}
}
