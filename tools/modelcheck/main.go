// Modelcheck checks the protocol of cached_db by trying all interleavings of small casts of processes, and shows that
// the check notices mistakes: for each of them it prints the shortest trace that breaks an invariant.
//
//	go run ./tools/modelcheck [-full] [prefix]
//
// Only variants whose names begin with the prefix run. With -full all of them run at their full size: that takes long,
// and up to some GiB of memory. It fails if a variant does not break exactly the invariant that it is to break.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/qsessions/qsessions/tools/modelcheck/model"
)

func main() {
	full := flag.Bool("full", false, "use the full bounds")
	flag.Parse()
	ran, failed := 0, 0
	for _, v := range model.Variants() {
		if !strings.HasPrefix(v.Name, flag.Arg(0)) {
			continue
		}
		if *full {
			v = v.Full()
		}
		ran++
		if !check(v) {
			failed++
		}
	}
	if ran == 0 || failed > 0 {
		fmt.Fprintf(os.Stderr, "modelcheck: %d of %d variants are not as they should be\n", failed, ran)
		os.Exit(1)
	}
}

// check reports whether v is as it should be.
func check(v model.Variant) bool {
	r := model.Check(v)
	verdict := "OK  "
	if r.Broken != "" {
		verdict = "FAIL"
	}
	fmt.Printf("%s %-50s", verdict, v.Name)
	if r.Broken != "" {
		fmt.Printf(" breaks %s in %d steps,", r.Broken, r.Steps())
	}
	fmt.Printf(" %d states, %v\n", r.States, r.Took.Round(time.Millisecond))
	if r.Broken != "" && v.About != "" {
		fmt.Println("     " + v.About)
	}
	for i, line := range r.Trace {
		fmt.Printf("     %2d %s\n", i, line)
	}
	if r.Broken != v.Want {
		fmt.Printf("     WRONG: should break %q\n", v.Want)
	}
	return r.Broken == v.Want
}
