module github.com/qsessions/qsessions/backend/sqlx/itest

go 1.26.0

require (
	github.com/jackc/pgx/v5 v5.12.0
	github.com/lib/pq v1.12.3
	github.com/mattn/go-sqlite3 v1.14.53
	github.com/qsessions/qsessions/backend/sqlx v0.1.0
	github.com/qsessions/qsessions/conformance v0.1.0
	github.com/qsessions/qsessions/core v0.1.0
	github.com/qsessions/qsessions/testserver v0.1.0
	modernc.org/sqlite v1.61.1
)

replace (
	github.com/qsessions/qsessions/backend/sqlx => ../
	github.com/qsessions/qsessions/conformance => ../../../conformance
	github.com/qsessions/qsessions/core => ../../../core
	github.com/qsessions/qsessions/testserver => ../../../testserver
)
