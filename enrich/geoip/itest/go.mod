module github.com/qsessions/qsessions/enrich/geoip/itest

go 1.26.0

require (
	github.com/maxmind/mmdbwriter v1.2.0
	github.com/oschwald/geoip2-golang/v2 v2.5.0
	github.com/qsessions/qsessions/core v0.1.0
	github.com/qsessions/qsessions/enrich/geoip v0.1.0
)

require (
	github.com/oschwald/maxminddb-golang/v2 v2.8.0 // indirect
	go4.org/netipx v0.0.0-20231129151722-fdeea329fbba // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace (
	github.com/qsessions/qsessions/core => ../../../core
	github.com/qsessions/qsessions/enrich/geoip => ../
)
