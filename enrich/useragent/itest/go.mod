module github.com/qsessions/qsessions/enrich/useragent/itest

go 1.26.0

require (
	github.com/qsessions/qsessions/core v0.1.0
	github.com/qsessions/qsessions/enrich/useragent v0.1.0
	github.com/ua-parser/uap-go v0.0.0-20260529044130-17c35e68e58c
	gopkg.in/yaml.v3 v3.0.1
)

require github.com/hashicorp/golang-lru v1.0.2 // indirect

replace (
	github.com/qsessions/qsessions/core => ../../../core
	github.com/qsessions/qsessions/enrich/useragent => ../
)
