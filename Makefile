# Every target works from a clean clone with Go alone, except conformance, which needs Node, and e2e, which needs
# Chromium too.
GO      ?= go
TOOL    := $(GO) tool -modfile=tools/go.mod
BENCH   ?= .
COUNT   ?= 1
FUZZ    ?= 20s

.PHONY: check test race lint build bench fuzz conformance e2e

check: lint race build

test:
	$(GO) test ./...

race:
	$(GO) test -race -shuffle=on ./...

lint:
	@files=$$($(TOOL) gofumpt -l .); test -z "$$files" || { echo "gofumpt:"; echo "$$files"; exit 1; }
	$(GO) vet ./...
	$(TOOL) staticcheck ./...
	$(GO) mod tidy -diff

build:
	@for dir in examples/*/; do echo "build $$dir"; CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o /dev/null ./$$dir || exit 1; done

bench:
	$(GO) test -run='^$$' -bench='$(BENCH)' -benchmem -count=$(COUNT) ./...

# Each fuzz target in turn, for FUZZ each.
fuzz:
	@for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list='^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$target"; $(GO) test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZ) $$pkg || exit 1; \
		done; \
	done

# HARNESS is the folder of the black-box cases.
conformance:
	.ci/conformance $(HARNESS)

# The published web client in headless Chromium; see e2e/README.md.
e2e:
	.ci/e2e
