# SPDX-License-Identifier: Apache-2.0
# make install DESTDIR= PREFIX=, and make deb, which packs such a folder. Always the release variant.

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include/memlab
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSCONFDIR ?= $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)
ZSHDIR ?= $(DATADIR)/zsh/site-functions

ifeq ($(VARIANT),release)
INSTALLED_PROGRAMS := $(sort $(PROGRAMS))
PROGRAM_NAMES := $(notdir $(INSTALLED_PROGRAMS))
COMPLETIONS := $(foreach shell,bash zsh fish,$(PROGRAM_NAMES:%=$(B)/completion/$(shell)/%))

# A completion is made from what the program itself prints as its help, so it cannot be out of date.
define completion_rule
$(B)/completion/$(1)/%: $(BIN)/% docs/completion
	@mkdir -p $$(@D)
	$$(call say,HELP) $$< --help | docs/completion $(1) $$* >$$@
endef
$(foreach shell,bash zsh fish,$(eval $(call completion_rule,$(shell))))

put = $(Q)install -D -m
# Templates name the folders they are installed to.
fill = sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@BINDIR@|$(BINDIR)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' \
	-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' -e 's|@VERSION@|$(VERSION)|g'

.PHONY: install completions
completions: $(COMPLETIONS)

install: all $(HEAP_LIB) completions ## programs, heap library, man pages, completions, units: DESTDIR= PREFIX=/usr/local
	$(Q)for p in $(PROGRAM_NAMES); do \
		install -D -m 755 $(BIN)/$$p $(DESTDIR)$(BINDIR)/$$p && \
		install -D -m 644 docs/man/$$p.1 $(DESTDIR)$(MANDIR)/man1/$$p.1 && \
		install -D -m 644 $(B)/completion/bash/$$p $(DESTDIR)$(DATADIR)/bash-completion/completions/$$p && \
		install -D -m 644 $(B)/completion/zsh/$$p $(DESTDIR)$(ZSHDIR)/_$$p && \
		install -D -m 644 $(B)/completion/fish/$$p $(DESTDIR)$(DATADIR)/fish/vendor_completions.d/$$p.fish || exit 1; \
	done
	$(put) 644 $(HEAP_LIB) $(DESTDIR)$(LIBDIR)/libmlheap.a
	$(Q)install -D -m 644 -t $(DESTDIR)$(INCLUDEDIR) svc/heap/gc.h svc/heap/gc_inline.h
	$(Q)install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSCONFDIR)/default
	$(Q)$(fill) docker/package/memlab-heap.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/memlab-heap.pc
	$(Q)for u in memlab-svc.service memlab-trace@.service; do $(fill) docker/package/$$u.in >$(DESTDIR)$(UNITDIR)/$$u || exit 1; done
	$(put) 644 docker/package/memlab-svc.default $(DESTDIR)$(SYSCONFDIR)/default/memlab-svc
	$(Q)install -D -m 644 -t $(DESTDIR)$(DATADIR)/memlab/dashboards dashboards/grafana/*.json
	$(Q)install -D -m 644 -t $(DESTDIR)$(DATADIR)/memlab/prometheus dashboards/prometheus/rules.yml
	$(Q)install -D -m 644 -t $(DESTDIR)$(DATADIR)/doc/memlab README.md docs/*.md dashboards/RUNBOOKS.md
	$(give_back)

.PHONY: deb
deb: ## a Debian package of it all in build/deb/
	$(Q)rm -rf build/deb && mkdir -p build/deb
	$(Q)$(MAKE) --no-print-directory DESTDIR=$(CURDIR)/build/deb/memlab PREFIX=/usr \
		LIBDIR=/usr/lib/$$(dpkg-architecture -qDEB_HOST_MULTIARCH) ZSHDIR=/usr/share/zsh/vendor-completions install
	$(Q)docker/package/deb build/deb $(VERSION)
	$(give_back)
else
.PHONY: install deb
install deb:
	@echo "make $@: installs the release variant only; leave VARIANT=$(VARIANT) out" >&2; exit 2
endif

.PHONY: package-test
package-test: ## the package in a clean Debian with systemd: units, manual, completions, purge
	$(Q)tests/ship/package; status=$$?; [ -z "$$SUDO_UID" ] || chown -R "$$SUDO_UID:$$SUDO_GID" build; exit $$status

.PHONY: reproducible
reproducible: ## the last commit built twice in different folders: the same bytes
	$(Q)tests/ship/reproducible
