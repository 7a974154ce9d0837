module github.com/qsessions/qsessions/adapters/fiber/itest

go 1.26.0

require (
	github.com/gofiber/fiber/v3 v3.5.0
	github.com/qsessions/qsessions/adapters/fiber v0.1.0
	github.com/qsessions/qsessions/adapters/nethttp v0.1.0
	github.com/qsessions/qsessions/conformance v0.1.0
	github.com/qsessions/qsessions/core v0.1.0
)

require (
	github.com/andybalholm/brotli v1.2.7 // indirect
	github.com/gofiber/schema v1.8.3 // indirect
	github.com/gofiber/utils/v2 v2.4.1 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/klauspost/compress v1.20.2 // indirect
	github.com/mattn/go-colorable v0.1.15 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/philhofer/fwd v1.2.0 // indirect
	github.com/tinylib/msgp v1.6.4 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	github.com/valyala/fasthttp v1.73.0 // indirect
	golang.org/x/crypto v0.55.0 // indirect
	golang.org/x/net v0.57.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/text v0.41.0 // indirect
)

replace (
	github.com/qsessions/qsessions/adapters/fiber => ../
	github.com/qsessions/qsessions/adapters/nethttp => ../../nethttp
	github.com/qsessions/qsessions/conformance => ../../../conformance
	github.com/qsessions/qsessions/core => ../../../core
)
