module github.com/qsessions/qsessions/tools/bench/fiber

go 1.26.0

require (
	github.com/gofiber/fiber/v3 v3.5.0
	github.com/gofiber/storage/redis/v3 v3.4.3
	github.com/qsessions/qsessions/adapters/fiber v0.1.0
	github.com/qsessions/qsessions/backend/rueidis v0.1.0
	github.com/qsessions/qsessions/core v0.1.0
	github.com/qsessions/qsessions/testserver v0.1.0
	github.com/qsessions/qsessions/tools v0.1.0
	github.com/valyala/fasthttp v1.73.0
)

require (
	filippo.io/edwards25519 v1.2.0 // indirect
	github.com/andybalholm/brotli v1.2.7 // indirect
	github.com/bradfitz/gomemcache v0.0.0-20260422231931-4d751bb6e37c // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/dgryski/go-rendezvous v0.0.0-20200823014737-9f7001d12a5f // indirect
	github.com/dustin/go-humanize v1.1.0 // indirect
	github.com/go-sql-driver/mysql v1.10.1 // indirect
	github.com/gofiber/schema v1.8.3 // indirect
	github.com/gofiber/utils/v2 v2.4.1 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/jmoiron/sqlx v1.4.0 // indirect
	github.com/klauspost/compress v1.20.2 // indirect
	github.com/lib/pq v1.12.3 // indirect
	github.com/mattn/go-colorable v0.1.15 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/ncruces/go-strftime v1.1.0 // indirect
	github.com/philhofer/fwd v1.2.0 // indirect
	github.com/qsessions/qsessions/adapters/nethttp v0.1.0 // indirect
	github.com/qsessions/qsessions/backend/memcache v0.1.0 // indirect
	github.com/qsessions/qsessions/backend/sqlx v0.1.0 // indirect
	github.com/redis/go-redis/v9 v9.17.3 // indirect
	github.com/redis/rueidis v1.0.79 // indirect
	github.com/remyoudompheng/bigfft v0.0.0-20230129092748-24d4a6f8daec // indirect
	github.com/tinylib/msgp v1.6.4 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	golang.org/x/crypto v0.55.0 // indirect
	golang.org/x/net v0.57.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.41.0 // indirect
	modernc.org/libc v1.79.0 // indirect
	modernc.org/mathutil v1.7.1 // indirect
	modernc.org/memory v1.12.1 // indirect
	modernc.org/sqlite v1.61.1 // indirect
)

replace (
	github.com/qsessions/qsessions/adapters/fiber => ../../../adapters/fiber
	github.com/qsessions/qsessions/adapters/nethttp => ../../../adapters/nethttp
	github.com/qsessions/qsessions/backend/memcache => ../../../backend/memcache
	github.com/qsessions/qsessions/backend/rueidis => ../../../backend/rueidis
	github.com/qsessions/qsessions/backend/sqlx => ../../../backend/sqlx
	github.com/qsessions/qsessions/conformance => ../../../conformance
	github.com/qsessions/qsessions/core => ../../../core
	github.com/qsessions/qsessions/enrich/geoip => ../../../enrich/geoip
	github.com/qsessions/qsessions/enrich/useragent => ../../../enrich/useragent
	github.com/qsessions/qsessions/testserver => ../../../testserver
	github.com/qsessions/qsessions/tools => ../..
)
