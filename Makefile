# What people type. `make` alone lists it.
# GOFLAGS of the environment is kept. Every module is in go.work; the pattern for all of them is `work`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

FUZZTIME ?= 10s
BENCHTIME ?= 1s
BENCH ?= .
# Whether every required security case must have a test.
COMPLETE ?= true

# The version of the Go vulnerability database, or skip where there is no network. Continuous integration never skips.
ADVISORIES ?= latest

modules = $$(go list -m -f '{{.Dir}}')
gate = @printf '%s\n' '== $(1)'

.PHONY: help demo test check fuzz bench chaos generate
.PHONY: check-format check-vet check-fix check-static check-modules check-deps check-length check-docs check-release check-advisories

help:
	@echo 'make demo      run the demo application on the loopback'
	@echo 'make test      run all tests with the race detector, on real servers; installs them where it may'
	@echo 'make check     all gates: format, vet, modernizers, staticcheck, modules, dependencies, docs, release, advisories'
	@echo 'make fuzz      run every fuzz test for FUZZTIME=$(FUZZTIME)'
	@echo 'make bench     run the benchmarks that match BENCH=$(BENCH) for BENCHTIME=$(BENCHTIME)'
	@echo 'make chaos     servers killed, stopped, cut off, demoted and corrupted under load, on every pair; within fifteen minutes'
	@echo 'make generate  write the generated pages of docs/'

# Built first: go run reports an end by Ctrl-C as a failure.
demo:
	@echo 'building the qsessions command; the first time this takes a minute or two'
	@go build -o bin/qsessions ./tools/cmd/qsessions && exec bin/qsessions demo

test:
	@.ci/test

# One after another, also under make -j: the go command is parallel itself, and the first fault ends it.
check:
	@for gate in format vet fix static modules deps length docs release advisories; do $(MAKE) check-$$gate; done

check-format:
	$(call gate,gofmt)
	@files=$$(gofmt -l .); [ -z "$$files" ] || { echo "not formatted:"; echo "$$files"; exit 1; }

check-vet:
	$(call gate,go vet)
	@go vet work

check-fix:
	$(call gate,go fix: newer forms of the language)
	@go fix -diff work

check-static: bin/staticcheck
	$(call gate,staticcheck)
	@bin/staticcheck work

bin/staticcheck bin/govulncheck: tools/lint.mod tools/lint.sum
	@cd tools && GOWORK=off go build -modfile=lint.mod -o ../bin/ tool && touch ../$@

# As somebody sees a module who has it alone.
check-modules:
	$(call gate,each module alone: go mod tidy -diff; go build; go vet)
	@printf '%s\n' $(modules) | xargs -P 2 -I{} sh -c \
		'out=$$(cd "$$1" && export GOWORK=off && { go mod tidy -diff && go build -o /dev/null ./... && go vet ./...; } 2>&1) || { echo "$$out"; echo "in $$1"; exit 1; }' sh {}
	@old=$$(cat go.work.sum) && go list -m all >/dev/null && go mod download && [ "$$old" = "$$(cat go.work.sum)" ] || { echo 'go.work.sum was incomplete: commit it'; exit 1; }

check-deps:
	$(call gate,depcheck)
	@go run ./tools/depcheck

check-length:
	$(call gate,length of files: at most 400 lines)
	@find . -name '*.go' ! -name '*_test.go' -print0 | xargs -0 awk 'FNR == 401 {print FILENAME " is longer"; long = 1} END {exit long}'

check-docs:
	$(call gate,generated pages)
	@go run ./tools/contract -check
	@go run ./tools/securitydoc -check -complete=$(COMPLETE)

check-release:
	$(call gate,release: a clean consumer of each published module)
	@go run ./tools/release check

# Alone among the gates it may fail without a change here: that is its purpose.
check-advisories: bin/govulncheck
	$(call gate,published advisories against what consumers compile)
	@go run ./tools/release advisories -database=$(ADVISORIES)

fuzz:
	@dirs=$(modules); for dir in $$dirs; do cd "$$dir"; \
		go test -list '^Fuzz' ./... | awk '/^Fuzz/ {names[++n] = $$1} /^ok/ {for (i = 1; i <= n; i++) print $$2, names[i]; n = 0}' | \
		while read -r package name; do \
			echo "== $$package $$name"; \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$package"; \
		done; \
	done

bench:
	@.ci/install-servers
	@go test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem -timeout 30m ./tools/bench/...

chaos:
	@.ci/install-servers
	@go build -o bin/measure ./tools/cmd/measure && exec bin/measure chaos

generate:
	@go run ./tools/contract
	@go run ./tools/securitydoc
