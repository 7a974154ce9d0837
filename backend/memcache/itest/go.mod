module github.com/qsessions/qsessions/backend/memcache/itest

go 1.26.0

require (
	github.com/bradfitz/gomemcache v0.0.0-20260422231931-4d751bb6e37c
	github.com/qsessions/qsessions/backend/memcache v0.1.0
	github.com/qsessions/qsessions/conformance v0.1.0
	github.com/qsessions/qsessions/core v0.1.0
	github.com/qsessions/qsessions/testserver v0.1.0
)

replace (
	github.com/qsessions/qsessions/backend/memcache => ../
	github.com/qsessions/qsessions/conformance => ../../../conformance
	github.com/qsessions/qsessions/core => ../../../core
	github.com/qsessions/qsessions/testserver => ../../../testserver
)
