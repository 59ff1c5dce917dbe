# Every target works from a clean clone with Go alone, except conformance, which needs Node, and e2e, which needs
# Chromium too.
GO      ?= go
TOOL    := $(GO) tool -modfile=tools/go.mod
BENCH   ?= .
COUNT   ?= 1
FUZZ    ?= 20s

# MODULES are the examples that are modules of their own: what they need is not in the library's go.mod, and ./... of the
# root does not see them. each runs a command in every one.
MODULES := $(patsubst %/go.mod,%,$(wildcard examples/*/go.mod))
each     = for dir in $(MODULES); do echo "in $$dir"; (cd $$dir && $(1)) || exit 1; done

.PHONY: check test race lint tidy build sizes bench fuzz conformance e2e

check: lint race build

test:
	$(GO) test ./...
	@$(call each,$(GO) test ./...)

race:
	$(GO) test -race -shuffle=on ./...
	@$(call each,$(GO) test -race -shuffle=on ./...)

lint:
	@files=$$($(TOOL) gofumpt -l .); test -z "$$files" || { echo "gofumpt:"; echo "$$files"; exit 1; }
	$(GO) vet ./...
	$(TOOL) staticcheck ./...
	$(GO) mod tidy -diff
	@$(call each,$(GO) vet ./... && $(GO) tool -modfile=../../tools/go.mod staticcheck ./... && $(GO) mod tidy -diff)

tidy:
	$(GO) mod tidy
	@$(call each,$(GO) mod tidy)

build:
	@for dir in examples/*/; do echo "build $$dir"; (cd $$dir && CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o /dev/null .) || exit 1; done

# Sizes of stripped programs without cgo: the one in examples, and the smallest ones that use a package. What is
# named is linked whole; a real program gets less where it uses less.
sizes:
	@.ci/sizes

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
