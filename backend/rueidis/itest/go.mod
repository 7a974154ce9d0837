module github.com/qsessions/qsessions/backend/rueidis/itest

go 1.26.0

require (
	github.com/qsessions/qsessions/backend/rueidis v0.1.0
	github.com/qsessions/qsessions/conformance v0.1.0
	github.com/qsessions/qsessions/core v0.1.0
	github.com/qsessions/qsessions/testserver v0.1.0
	github.com/redis/rueidis v1.0.79
)

require golang.org/x/sys v0.47.0 // indirect

replace (
	github.com/qsessions/qsessions/backend/rueidis => ../
	github.com/qsessions/qsessions/conformance => ../../../conformance
	github.com/qsessions/qsessions/core => ../../../core
	github.com/qsessions/qsessions/testserver => ../../../testserver
)
