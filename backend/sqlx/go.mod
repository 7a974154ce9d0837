module github.com/qsessions/qsessions/backend/sqlx

go 1.25.0

require (
	github.com/go-sql-driver/mysql v1.10.1
	github.com/jmoiron/sqlx v1.4.0
	github.com/qsessions/qsessions/core v0.1.0
)

require filippo.io/edwards25519 v1.2.0 // indirect

replace github.com/qsessions/qsessions/core => ../../core
