module github.com/qsessions/qsessions/testserver

go 1.25.0
