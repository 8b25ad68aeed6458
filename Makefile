# What a user types. Everything that is needed is brought on first use; see README.md.

.DEFAULT_GOAL := help

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
check: ## formatting, lint, types, import directions, documentation
	@scripts/deno task --quiet check

.PHONY: fmt
fmt: ## format all sources
	@scripts/deno fmt --quiet

.PHONY: bench
bench: ## measure speed and memory, beside other tools
	@scripts/bench

.PHONY: clean
clean: ## remove what was built; the toolchain stays
	rm -rf dist .tmp
