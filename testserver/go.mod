module github.com/qsessions/qsessions/testserver

go 1.26.0
