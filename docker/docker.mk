# SPDX-License-Identifier: Apache-2.0
# Dependencies: docker/deps knows the packages; nothing is asked when all are there.

.PHONY: deps-check deps-test deps-test-check
deps: ## install the Debian packages that building and running needs
	$(Q)docker/deps install

deps-test: ## and those that the tests need: Prometheus, Chromium, Go, nginx, ...
	$(Q)docker/deps install test

deps-check:
	@docker/deps check || docker/deps install

deps-test-check:
	@docker/deps check test || docker/deps install test
