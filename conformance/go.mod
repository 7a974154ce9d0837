module github.com/qsessions/qsessions/conformance

go 1.25.0

require github.com/qsessions/qsessions/core v0.1.0

replace github.com/qsessions/qsessions/core => ../core
