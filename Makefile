# What a user types. Everything that is needed is brought on first use; see README.md.

PREFIX ?= /usr/local
DESTDIR ?=

machine := $(patsubst x86_64,amd64,$(shell uname -m))
sources := cli.ts mod.ts deno.json deno.lock $(shell find lib proto/gen types -name '*.ts')
# The commit, which is a part of the version. With sudo the folder is somebody else's, which git must be told is fine.
commit := $(shell git --no-optional-locks -c safe.directory='*' describe --tags --always --dirty 2>/dev/null)

.DEFAULT_GOAL := build

.PHONY: build
build: dist/bima_$(machine) ## build the executable for this machine: dist/bima_amd64 or dist/bima_aarch64 (default)

.PHONY: all
all: dist/bima_amd64 dist/bima_aarch64 ## build the executables for both machines

.PHONY: release
release: all ## build all that is downloaded: both executables, dist/bima.js, SHA256SUMS
	@install -m 0755 install.sh dist
	cd dist && sha256sum bima.js bima_aarch64 bima_amd64 >SHA256SUMS

# Changes when the commit does.
dist/.commit: FORCE
	@mkdir -p dist
	@echo '$(commit)' | cmp -s - $@ || echo '$(commit)' >$@

.PHONY: FORCE
FORCE:

dist/bima.js: $(sources) dist/.commit scripts/bundle.ts
	@$$(scripts/bring-deno 2.9.5) run --quiet --no-prompt --allow-all scripts/bundle.ts

dist/bima_%: dist/bima.js scripts/compile
	@scripts/compile $*

.PHONY: install
install: build ## install bima into PREFIX/bin (default: /usr/local); DESTDIR goes in front
	install -D -m 0755 dist/bima_$(machine) $(DESTDIR)$(PREFIX)/bin/bima

.PHONY: uninstall
uninstall: ## remove what install installed
	rm -f $(DESTDIR)$(PREFIX)/bin/bima

.PHONY: help
help: ## show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-24s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## build the image of examples/hello into a tar and show what is in it
	@scripts/demo

.PHONY: test
test: ## run all tests (as root it installs the Debian packages that they need)
	@scripts/test

.PHONY: test-containerd-matrix
test-containerd-matrix: ## run the containerd tests against 1.6, 1.7 and 2.1
	@scripts/test_containerd_matrix.sh

.PHONY: check
check: ## formatting, lint, types, import directions, documentation, generated code
	@scripts/deno task --quiet check
	@scripts/proto --check
	@scripts/wasm --check

.PHONY: fmt
fmt: ## format all sources
	@scripts/deno fmt --quiet

.PHONY: bench
bench: ## measure speed and memory, beside other tools
	@scripts/bench

.PHONY: clean
clean: ## remove what was built; the toolchain stays
	rm -rf dist .tmp
