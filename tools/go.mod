module github.com/qsessions/qsessions/tools

go 1.26.0

require (
	github.com/alecthomas/kong v1.17.0
	github.com/bradfitz/gomemcache v0.0.0-20260422231931-4d751bb6e37c
	github.com/go-sql-driver/mysql v1.10.1
	github.com/gofiber/fiber/v3 v3.5.0
	github.com/jackc/pgx/v5 v5.12.0
	github.com/jmoiron/sqlx v1.4.0
	github.com/lib/pq v1.12.3
	github.com/maxmind/mmdbwriter v1.2.0
	github.com/oschwald/maxminddb-golang/v2 v2.8.0
	github.com/qsessions/qsessions/adapters/fiber v0.1.0
	github.com/qsessions/qsessions/adapters/nethttp v0.1.0
	github.com/qsessions/qsessions/backend/memcache v0.1.0
	github.com/qsessions/qsessions/backend/rueidis v0.1.0
	github.com/qsessions/qsessions/backend/sqlx v0.1.0
	github.com/qsessions/qsessions/conformance v0.1.0
	github.com/qsessions/qsessions/core v0.1.0
	github.com/qsessions/qsessions/enrich/geoip v0.1.0
	github.com/qsessions/qsessions/enrich/useragent v0.1.0
	github.com/qsessions/qsessions/testserver v0.1.0
	github.com/redis/rueidis v1.0.79
	golang.org/x/mod v0.42.0
	modernc.org/sqlite v1.61.1
)

require (
	filippo.io/edwards25519 v1.2.0 // indirect
	github.com/andybalholm/brotli v1.2.7 // indirect
	github.com/dustin/go-humanize v1.1.0 // indirect
	github.com/gofiber/schema v1.8.3 // indirect
	github.com/gofiber/utils/v2 v2.4.1 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/hashicorp/golang-lru v1.0.2 // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/jackc/puddle/v2 v2.2.3 // indirect
	github.com/klauspost/compress v1.20.2 // indirect
	github.com/kr/text v0.2.0 // indirect
	github.com/mattn/go-colorable v0.1.15 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/ncruces/go-strftime v1.1.0 // indirect
	github.com/oschwald/geoip2-golang/v2 v2.5.0 // indirect
	github.com/philhofer/fwd v1.2.0 // indirect
	github.com/remyoudompheng/bigfft v0.0.0-20230129092748-24d4a6f8daec // indirect
	github.com/rogpeppe/go-internal v1.16.0 // indirect
	github.com/tinylib/msgp v1.6.4 // indirect
	github.com/ua-parser/uap-go v0.0.0-20260529044130-17c35e68e58c // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	github.com/valyala/fasthttp v1.73.0 // indirect
	go4.org/netipx v0.0.0-20231129151722-fdeea329fbba // indirect
	golang.org/x/crypto v0.55.0 // indirect
	golang.org/x/net v0.57.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.41.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
	modernc.org/libc v1.79.0 // indirect
	modernc.org/mathutil v1.7.1 // indirect
	modernc.org/memory v1.12.1 // indirect
)

replace (
	github.com/qsessions/qsessions/adapters/fiber => ../adapters/fiber
	github.com/qsessions/qsessions/adapters/nethttp => ../adapters/nethttp
	github.com/qsessions/qsessions/backend/memcache => ../backend/memcache
	github.com/qsessions/qsessions/backend/rueidis => ../backend/rueidis
	github.com/qsessions/qsessions/backend/sqlx => ../backend/sqlx
	github.com/qsessions/qsessions/conformance => ../conformance
	github.com/qsessions/qsessions/core => ../core
	github.com/qsessions/qsessions/enrich/geoip => ../enrich/geoip
	github.com/qsessions/qsessions/enrich/useragent => ../enrich/useragent
	github.com/qsessions/qsessions/testserver => ../testserver
)
