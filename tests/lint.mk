# SPDX-License-Identifier: Apache-2.0
# make lint: tests/lint finds what the compiler does not. tests/ship/lint.bats runs the same in make test.

lint: deps-test-check ## shellcheck, cppcheck, clang-tidy, Prometheus and manual checks
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tests/lint $(B)
	$(Q)! command -v bats >/dev/null || BUILD=$(CURDIR)/$(B) bats tests/contracts
