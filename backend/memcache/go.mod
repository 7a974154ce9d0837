module github.com/qsessions/qsessions/backend/memcache

go 1.25.0

require (
	github.com/bradfitz/gomemcache v0.0.0-20260422231931-4d751bb6e37c
	github.com/qsessions/qsessions/core v0.1.0
)

replace github.com/qsessions/qsessions/core => ../../core
