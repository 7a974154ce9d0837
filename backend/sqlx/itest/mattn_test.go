//go:build mattn

package itest

import _ "github.com/mattn/go-sqlite3" // needs cgo and a C compiler

// The same tests over SQLite's own C code.
var mattnTargets = []target{{name: "mattn", driver: "sqlite3", dsn: sqlite}}
