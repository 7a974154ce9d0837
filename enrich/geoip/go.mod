module github.com/qsessions/qsessions/enrich/geoip

go 1.26.0

require (
	github.com/oschwald/geoip2-golang/v2 v2.5.0
	github.com/qsessions/qsessions/core v0.1.0
)

require (
	github.com/oschwald/maxminddb-golang/v2 v2.8.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/qsessions/qsessions/core => ../../core
