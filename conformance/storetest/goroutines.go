package storetest

import (
	"bytes"
	"runtime/pprof"
	"strconv"
	"strings"
)

// labelled counts the goroutines that carry the profiler label storetest=value, the caller included. A goroutine has
// the labels of the one that started it, so this counts what a piece of code left behind, whatever runs beside it.
func labelled(value string) int {
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		return 0
	}
	sum := 0
	for block := range strings.SplitSeq(b.String(), "\n\n") {
		// A block is "2 @ 0x… 0x…", a line of labels as JSON, and the stack.
		if !strings.Contains(block, "# labels:") || !strings.Contains(block, strconv.Quote("storetest")+":"+strconv.Quote(value)) {
			continue
		}
		block = strings.TrimPrefix(block, block[:max(0, strings.LastIndexByte(block[:strings.Index(block, " @")+1], '\n')+1)])
		if n, err := strconv.Atoi(block[:strings.IndexByte(block, ' ')]); err == nil {
			sum += n
		}
	}
	return sum
}
