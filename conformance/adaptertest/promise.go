package adaptertest

import (
	"io"
	"sync/atomic"

	"github.com/qsessions/qsessions/core/session"
)

func promiseCases() []Case {
	return []Case{
		{Name: "promise/features", Why: "A framework can do what its test does not say that it lacks, and cannot do what its test says that it lacks.", run: func(e *env) {
			var hints, hijack, flush, returned atomic.Bool
			e.site(session.Config{}, on("/features", func(x Exchange) error {
				_, ok := x.(EarlyHinter)
				hints.Store(ok)
				_, ok = x.(Hijacker)
				hijack.Store(ok)
				defer returned.Store(true)
				return x.Stream(func(w io.Writer, _ func() error) {
					flush.Store(!returned.Load())
					_, _ = io.WriteString(w, "features")
				})
			}))
			e.answered("GET /features", e.do("GET", "/features"), 200, "features")
			for f, have := range map[Feature]bool{EarlyHints: hints.Load(), Hijack: hijack.Load(), Flush: flush.Load()} {
				switch lacking := e.config.Lacks&f != 0; {
				case !have && !lacking:
					e.Errorf("%v is not there, and Config.Lacks does not say so", f)
				case have && lacking:
					e.Errorf("%v is there, and Config.Lacks says that it is not", f)
				}
			}
		}},
	}
}
