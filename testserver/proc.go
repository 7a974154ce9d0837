package testserver

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// descendants returns pid and all processes below it, parents before their children.
func descendants(pid int) []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		_, parent := procState(stat)
		if child, err := strconv.Atoi(filepath.Base(filepath.Dir(stat))); err == nil {
			children[parent] = append(children[parent], child)
		}
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// runs reports whether the process exists and is no zombie: nobody may wait for an orphan.
func runs(pid int) bool {
	state, _ := procState(fmt.Sprintf("/proc/%d/stat", pid))
	return !ended(state)
}

func ended(state string) bool { return state == "" || state == "Z" || state == "X" }

// procState reads the state letter and the parent of a process, or nothing when it is gone.
func procState(path string) (state string, parent int) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", 0
	}
	// The name before it, in parentheses, may hold anything.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 2 {
		return "", 0
	}
	parent, _ = strconv.Atoi(fields[1])
	return fields[0], parent
}

// poll calls the condition until it is true, and gives up after stopTimeout.
func poll(condition func() bool) bool {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(stopTimeout); time.Now().Before(deadline); <-ticker.C {
		if condition() {
			return true
		}
	}
	return false
}
