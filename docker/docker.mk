# SPDX-License-Identifier: Apache-2.0
# Dependencies: docker/deps knows the packages; nothing is asked when all are there.

.PHONY: deps-check
deps: ## install missing Debian packages with apt
	$(Q)docker/deps install

deps-check:
	@docker/deps check || docker/deps install
