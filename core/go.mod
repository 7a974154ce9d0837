module github.com/qsessions/qsessions/core

go 1.25.0
