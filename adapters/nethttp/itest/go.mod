module github.com/qsessions/qsessions/adapters/nethttp/itest

go 1.26.0

require (
	github.com/qsessions/qsessions/adapters/nethttp v0.1.0
	github.com/qsessions/qsessions/conformance v0.1.0
	github.com/qsessions/qsessions/core v0.1.0
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
)

require golang.org/x/text v0.41.0 // indirect

replace (
	github.com/qsessions/qsessions/adapters/nethttp => ../
	github.com/qsessions/qsessions/conformance => ../../../conformance
	github.com/qsessions/qsessions/core => ../../../core
)
