package main

import (
	"bufio"
	_ "embed"
	"fmt"
	"strings"
)

//go:embed ids.txt
var idsText string

// entry is one security case.
type entry struct {
	id       string
	title    string
	required bool
}

// parseIDs reads the format of ids.txt.
func parseIDs(text string) ([]entry, error) {
	var entries []entry
	seen := map[string]bool{}
	scanner := bufio.NewScanner(strings.NewReader(text))
	for scanner.Scan() {
		line := scanner.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.SplitN(line, " ", 3)
		if len(fields) < 3 || !idPattern.MatchString(fields[0]) || fields[1] != "required" && fields[1] != "later" || seen[fields[0]] {
			return nil, fmt.Errorf("ids.txt: bad line %q", line)
		}
		seen[fields[0]] = true
		entries = append(entries, entry{fields[0], fields[2], fields[1] == "required"})
	}
	return entries, scanner.Err()
}
