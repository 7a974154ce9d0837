module github.com/qsessions/qsessions/backend/rueidis

go 1.25.0

require (
	github.com/qsessions/qsessions/core v0.1.0
	github.com/redis/rueidis v1.0.79
)

require golang.org/x/sys v0.47.0 // indirect

replace github.com/qsessions/qsessions/core => ../../core
