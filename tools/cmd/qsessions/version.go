package main

import (
	"cmp"
	"fmt"
	"runtime/debug"
)

type versionCmd struct{}

// Run prints what the go command noted in the program.
func (*versionCmd) Run(std stdio) error {
	version, revision := "", ""
	info, ok := debug.ReadBuildInfo()
	if ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				revision = " " + s.Value[:min(len(s.Value), 12)] + revision
			case s.Key == "vcs.modified" && s.Value == "true":
				revision += " (modified)"
			}
		}
		revision += " " + info.GoVersion
	}
	_, err := fmt.Fprintf(std.out, "qsessions %s%s\n", cmp.Or(version, "(devel)"), revision)
	return err
}
