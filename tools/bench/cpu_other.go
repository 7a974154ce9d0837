//go:build !unix

package bench

import "time"

// cpu is the processor time of this process so far, which is not known here.
func cpu() time.Duration { return 0 }
