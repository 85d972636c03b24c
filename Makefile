# One set of flags for all: the compiler, the tests and the gateways that they build
# share one build cache, and the standard library is compiled once.
export CGO_ENABLED = 0
export GOFLAGS = -trimpath -buildvcs=false

GO ?= go
CONFIG ?= examples/demo/config.yaml

.PHONY: run test race bench fuzz lint golden build interop

run: ## compile and start the demo gateway
	@echo "compiling; the first time, with the Go standard library, this takes about a minute"
	@$(GO) run ./cmd/aileronc demo

build: ## the compiler, as bin/aileronc
	$(GO) build -ldflags="-s -w" -o bin/aileronc ./cmd/aileronc

test: ## everything that needs nothing but Go
	$(GO) test ./...

race: ## the runtime under the race detector, which needs cgo
	CGO_ENABLED=1 $(GO) test -race ./runtime/...

# They build the compiler themselves, of which the test cache of Go knows nothing: hence -count=1.
interop: ## the test tools of others: h2spec, gRPC's interoperability tests, a browser, OpenID providers
	@cd internal/interop && if $(GO) mod download; then $(GO) vet ./... && $(GO) test -count=1 -timeout 20m ./...; \
		elif [ -n "$$CI" ]; then exit 1; else echo "skipped: the modules of internal/interop can't be had"; fi

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./runtime/... ./compiler/...

FUZZTIME ?= 30s
fuzz: ## each fuzz target for FUZZTIME
	@$(GO) list -f '{{.Dir}} {{join .TestGoFiles " "}} {{join .XTestGoFiles " "}}' ./... | while read -r dir files; do \
		for f in $$files; do \
			sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$dir/$$f" | while read -r name; do \
				echo "$$dir $$name"; (cd "$$dir" && $(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) .) || exit 1; \
			done || exit 1; \
		done || exit 1; \
	done

lint: ## gofmt, vet, staticcheck, modernize
	@test -z "$$(gofmt -s -l $$(git ls-files '*.go'))" || { gofmt -s -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=internal/tools/go.mod staticcheck ./...
	$(GO) tool -modfile=internal/tools/go.mod modernize ./...

golden: ## rewrite the expected output of all cases; the diff is the review
	$(GO) test ./compiler/toolchain -run TestNeeds -update
	$(GO) test ./golden -update
	$(GO) test ./internal/routetest -update
	$(GO) test ./examples -run TestExamples/packages -update
