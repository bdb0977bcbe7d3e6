# SPDX-License-Identifier: Apache-2.0
# Dependencies: docker/deps knows the packages; nothing is asked when all are there.

.PHONY: deps-check deps-test deps-test-check
deps: ## install the Debian packages that building and running needs
	$(Q)docker/deps install

deps-test: ## and those that the tests need: cmocka, Prometheus, Chromium, Go, nginx, ...
	$(Q)docker/deps install test

deps-check:
	@docker/deps check || docker/deps install

deps-test-check:
	@docker/deps check test || docker/deps install test

.PHONY: container-test image
container-test: ## make test in a privileged container: host's PID namespace and its own
	$(Q)docker/container-test; status=$$?; [ -z "$$SUDO_UID" ] || chown -R "$$SUDO_UID:$$SUDO_GID" build; exit $$status

image: ## the container image of docker/Dockerfile, tag memlab
	$(Q)$(or $(CONTAINER),$(shell command -v podman || command -v docker)) build -f docker/Dockerfile -t memlab .
