// Modelcheck checks protocols by trying all interleavings of small casts, and shows that the check notices mistakes: for
// each of them it prints the shortest trace that breaks an invariant.
//
//	go run ./tools/modelcheck [-full] [-table] [cache|tokens|rotation|login] [prefix]
//
// The models are cache, the protocol of cached_db, and tokens, that is rotation, the exchange of tokens, and login, logins
// that meet. Without a name all of them run. Only variants whose names begin with the prefix run. With -full they run at
// their full size: that takes long, and up to some GiB of memory. With -table it prints instead which invariants each set
// of rules for the exchange of tokens breaks in which world.
//
// It fails if a variant does not break exactly the invariant that it is to break.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/qsessions/qsessions/tools/modelcheck/model"
	"github.com/qsessions/qsessions/tools/modelcheck/search"
	"github.com/qsessions/qsessions/tools/modelcheck/tokens/login"
	"github.com/qsessions/qsessions/tools/modelcheck/tokens/rotation"
)

// A variant is one of any model.
type variant struct {
	name, about string
	want        search.Invariant
	check       func() search.Result
}

func main() {
	full := flag.Bool("full", false, "use the full bounds")
	table := flag.Bool("table", false, "print the table of rules for the exchange of tokens")
	flag.Parse()
	if *table {
		printTable()
		return
	}
	args := flag.Args()
	var names []string
	switch first := flag.Arg(0); first {
	case "cache", "rotation", "login":
		names, args = []string{first}, args[1:]
	case "tokens":
		names, args = []string{"rotation", "login"}, args[1:]
	default:
		names = []string{"cache", "rotation", "login"}
	}
	ran, failed := 0, 0
	for _, name := range names {
		fmt.Println(name)
		for _, v := range variants(name, *full) {
			if len(args) > 0 && !strings.HasPrefix(v.name, args[0]) {
				continue
			}
			ran++
			if !v.run() {
				failed++
			}
		}
	}
	if ran == 0 || failed > 0 {
		fmt.Fprintf(os.Stderr, "modelcheck: %d of %d variants are not as they should be\n", failed, ran)
		os.Exit(1)
	}
}

// variants returns those of a model.
func variants(name string, full bool) []variant {
	var all []variant
	switch name {
	case "cache":
		for _, v := range model.Variants() {
			if full {
				v = v.Full()
			}
			all = append(all, variant{v.Name, v.About, v.Want, func() search.Result { return model.Check(v) }})
		}
	case "rotation":
		for _, v := range rotation.Variants() {
			if full {
				v = v.Full()
			}
			all = append(all, variant{v.Name, v.About, v.Want, func() search.Result { return rotation.Check(v) }})
		}
	case "login":
		for _, v := range login.Variants() {
			if full {
				v = v.Full()
			}
			all = append(all, variant{v.Name, v.About, v.Want, func() search.Result { return login.Check(v) }})
		}
	}
	return all
}

// run reports whether v is as it should be.
func (v *variant) run() bool {
	r := v.check()
	verdict := "OK  "
	if r.Broken != "" {
		verdict = "FAIL"
	}
	fmt.Printf("%s %-50s", verdict, v.name)
	if r.Broken != "" {
		fmt.Printf(" breaks %s in %d steps,", r.Broken, r.Steps())
	}
	fmt.Printf(" %d states, %v\n", r.States, r.Took.Round(time.Millisecond))
	if r.Broken != "" && v.about != "" {
		fmt.Println("     " + v.about)
	}
	for i, line := range r.Trace {
		fmt.Printf("     %2d %s\n", i, line)
	}
	if r.Broken != v.want {
		fmt.Printf("     WRONG: should break %q\n", v.want)
	}
	return r.Broken == v.want
}

// printTable prints what the sets of rules for the exchange of tokens break.
func printTable() {
	head := []string{"rules"}
	for _, w := range rotation.Worlds() {
		head = append(head, w.Name)
	}
	fmt.Printf("| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, r := range rotation.Rules() {
		row := []string{r.Name}
		most := 0
		for _, w := range rotation.Worlds() {
			letters, states := rotation.Cell(r, w)
			row = append(row, cmp.Or(letters, "ok"))
			most = max(most, states)
		}
		fmt.Printf("| %s | up to %d states\n", strings.Join(row, " | "), most)
	}
}
