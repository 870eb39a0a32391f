# Needs python3 (3.11 or newer), python3-venv and make; everything else comes into .venv, locked by hashes.
# `make test` runs the tests against real servers, too, where Debian's dovecot and postfix are installed.

PYTHON ?= python3
BIN := .venv/bin
VENV := .venv/.locked
PIP := $(BIN)/pip --disable-pip-version-check --quiet
COMPILE = CUSTOM_COMPILE_COMMAND="make lock" build/lock/bin/pip-compile --quiet --generate-hashes --strip-extras \
	--allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links
# In memory, where there is one: these tests ask nothing of a disk.
QUICKLY := $(if $(wildcard /dev/shm),TMPDIR=/dev/shm)
# pytest rewrites each test file at every start, in each worker, where it may not keep what it wrote.
unexport PYTHONDONTWRITEBYTECODE
# Told again with stores that wait before each answer, and with one that is no folder.
CONVERSATIONS := tests/conversations tests/test_main_job.py tests/test_time.py tests/test_digest.py
SERVERS := dovecot-imapd dovecot-lmtpd postfix
BROWSER := chromium

.DEFAULT_GOAL := help
.PHONY: help venv demo test every-test left-out quick lint types imports format bench crash tried soak fuzz replies \
	letters lock clean install install-files uninstall no-package deb

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

venv: $(VENV) ## .venv with every library, as locked

# The build lock holds what the few libraries without a wheel are built with: without it pip would fetch the newest.
$(VENV): requirements-build.lock requirements-dev.lock
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Python 3.11 or newer with venv is needed: apt-get install python3 python3-venv' >&2; exit 1; }
	@echo 'The first time: about a minute, in three steps. All of it goes into the folder .venv here.'
	@echo '  1  an empty Python environment'
	@$(PYTHON) -m venv .venv
	@echo '  2  what libraries are built with'
	@$(PIP) install --require-hashes -r requirements-build.lock
	@echo "  3  $$(grep -c '^[a-z].*==' requirements-dev.lock) libraries, downloaded and compared with their hashes: the longest step"
	@$(PIP) install --require-hashes --no-build-isolation -r requirements-dev.lock
	@echo '  done'
	@touch $@

demo: venv ## a late and a missed session, from mail to outcome; needs no account
	@$(BIN)/python daemon.py demo

test: ## all checks and all tests
	@echo 'All checks and all tests: about a quarter of an hour on two cores.'
	@$(MAKE) --no-print-directory every-test; ended=$$?; $(MAKE) --no-print-directory left-out; exit $$ended

# The tests on real servers come by themselves: on a fast clock a busy neighbour would be late.
every-test: venv lint types imports
	$(BIN)/python -m pytest -n 2 --dist loadfile -m 'not real_servers'
	for store in yielding slow sqlite; do \
		$(QUICKLY) $(BIN)/python -m pytest -n 2 --dist loadfile --store $$store $(CONVERSATIONS) || exit 1; done
	$(BIN)/python -m pytest -m real_servers

left-out:
	@if ! test -x /usr/sbin/dovecot -a -x /usr/lib/dovecot/lmtp -a -x /usr/sbin/postfix; then \
		echo 'LEFT OUT: the tests against a real Dovecot and Postfix, which are not installed. To have them, as root:'; \
		echo '    apt-get install $(SERVERS) && make test'; \
	elif ! test "$$(id -u)" = 0; then \
		echo 'LEFT OUT: the tests against a real Dovecot and Postfix, which only root can start.'; \
	fi
	@if ! test -x /usr/bin/$(BROWSER); then \
		echo 'LEFT OUT: the letters in a real browser. To have them, as root: apt-get install $(BROWSER) fonts-liberation'; \
	fi
	@if ! command -v systemd-analyze >/dev/null; then \
		echo "LEFT OUT: what systemd says of the units. To have it, as root: apt-get install systemd"; \
	fi
	@if ! command -v mmdebstrap >/dev/null; then \
		echo 'LEFT OUT: Debian 12 and 13 with Promptly installed. To have them, as root: apt-get install mmdebstrap'; \
	elif ! test "$$(id -u)" = 0; then \
		echo 'LEFT OUT: Debian 12 and 13 with Promptly installed, which only root can start.'; \
	elif ! unshare --mount sh tests/systemd/boot.sh / /bin/true >/dev/null; then \
		echo 'LEFT OUT: Debian 12 and 13 with Promptly installed: here root may have no namespaces of its own.'; \
	fi

quick: venv ## the tests that take seconds; the conversations come with all tests
	$(QUICKLY) $(BIN)/python -m pytest -n 2 --dist loadfile -m 'not slow and not real_servers' --hypothesis-profile quick \
		--ignore tests/conversations

lint: venv ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: venv ## types
	$(BIN)/mypy

imports: venv ## which module may import which
	$(BIN)/lint-imports --no-logo

format: venv ## put the files into the common style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: venv ## how fast a report becomes letters, against bare pipes; about twenty minutes
	$(BIN)/python -m tests.bench

crash: venv ## 2,000 kills on real servers, and what was lost; about half an hour, goes on where it was stopped
	$(BIN)/python -m tests.crash

tried: venv ## each fault of a list ten times, and what it cost; about ten minutes
	$(BIN)/python -m tests.tried
	REPORTS=1000 $(BIN)/python -m pytest tests/test_load.py

soak: venv ## 30,000 mails on the lightest servers, and the memory they take; about four minutes
	$(BIN)/python -m tests.soak

fuzz: venv ## a minute of bytes that are hardly mail, at the reader, with its seed; 10,000 attacked letters
	$(BIN)/python -m tests.arrival.fuzz --seconds 60
	ATTACKS=10000 $(BIN)/python -m pytest tests/arrival/test_injection.py

replies: venv ## how replies of each mail program are read
	$(BIN)/python -m tests.arrival.replies

letters: venv ## every letter and board as screens show them, into build/letters, a few into docs; needs Debian's chromium
	$(BIN)/python -m tests.letters_in_browser

# What follows needs root, but with DESTDIR, which takes the place of / (for packages, and for the tests).
PREFIX := $(DESTDIR)/opt/promptly
ETC := $(DESTDIR)/etc/promptly
UNITS := $(DESTDIR)/etc/systemd/system
COMMAND := $(DESTDIR)/usr/local/bin/promptly
UNIT_FILES := promptly.service promptly-check.service promptly-check.timer promptly-alarm@.service
INSTALL_PIP = '$(PREFIX)/.venv/bin/python' -m pip --disable-pip-version-check --quiet install
PROGRAM := daemon.py workflow templates docs config.example.toml node.example.toml
RELOAD = if test -z '$(DESTDIR)' -a -d /run/systemd/system; then systemctl daemon-reload; fi

install: install-files ## as root: the program to /opt/promptly, a first configuration to /etc/promptly, the units
	@$(PYTHON) -m venv '$(PREFIX)/.venv'
	@$(INSTALL_PIP) --require-hashes -r requirements-build.lock
	@$(INSTALL_PIP) --require-hashes --no-build-isolation --use-pep517 -r requirements.lock
	@'$(PREFIX)/.venv/bin/python' -m compileall -q '$(PREFIX)/workflow'
	@$(RELOAD)
	@echo 'Installed. What to do next stands in docs/install.md; after an upgrade: systemctl restart promptly'

# Who has the Debian package must not mix it with this.
no-package:
	@if test -z '$(DESTDIR)' -a -e /usr/bin/promptly; then \
		echo 'The Debian package is installed here. To have this in its place: apt-get remove promptly' >&2; exit 1; fi

# Nobody's configuration or password is ever replaced. What an older version left of the program is removed.
install-files: no-package
	@umask 022 && mkdir -p '$(PREFIX)' '$(ETC)' '$(UNITS)' '$(dir $(COMMAND))' \
		&& rm -rf '$(PREFIX)/workflow' '$(PREFIX)/templates' '$(PREFIX)/docs' \
		&& tar -c --mode=u=rwX,go=rX --exclude=__pycache__ --exclude=docs/letters --exclude=docs/board $(PROGRAM) \
		| tar -x --no-same-owner --no-same-permissions -C '$(PREFIX)'
	@install -m 644 $(addprefix systemd/,$(UNIT_FILES)) '$(UNITS)'
	@install -m 755 systemd/promptly '$(COMMAND)'
	@test -e '$(ETC)/config.toml' || { sed 's|^url = "tinydb:state"|url = "tinydb:/var/lib/promptly"|' config.example.toml \
		> '$(ETC)/config.toml' && chmod 644 '$(ETC)/config.toml'; }
	@test -e '$(ETC)/mailbox.password' || install -m 600 /dev/null '$(ETC)/mailbox.password'

uninstall: no-package ## as root: remove what `make install` made, but never the configuration, the password or the state
	@if test -z '$(DESTDIR)' -a -d /run/systemd/system; then \
		systemctl disable --quiet --now promptly.service promptly-check.timer || true; fi
	@cd '$(UNITS)' && rm -f $(UNIT_FILES)
	@rm -rf '$(PREFIX)' '$(COMMAND)'
	@$(RELOAD)
	@echo 'Removed. Left as they were: $(ETC) and the state, which lies in $(DESTDIR)/var/lib/private/promptly'
	@echo '($(DESTDIR)/var/lib/promptly is but a link to it). For good: rm -r both, and $(ETC)'

# One package for two releases: each one's Python finds its libraries by its own number. Nothing is compiled: what has no
# wheel is plain Python. What dpkg is told and does lies in systemd/debian, beside the units that it is about.
PYTHONS := 3.11 3.13
WHEELS := --only-binary :all: --no-binary authres,sdnotify $(patsubst %,--platform manylinux_2_%_x86_64,17 28 34)
PACKAGE := build/deb
LIBRARIES := $(PACKAGE)/opt/promptly/.venv
LOCKED_PIP = build/pip/bin/pip --disable-pip-version-check --quiet $(1) --require-hashes --no-build-isolation --use-pep517
VERSION = $(shell sed -n 's/^VERSION = "\(.*\)"/\1/p' workflow/__init__.py)

deb: build/wheels/.locked build/pip/.locked ## a Debian package for 12 and 13 (amd64): build/promptly_VERSION_amd64.deb
	@rm -rf $(PACKAGE) build/promptly_*.deb
	@$(MAKE) --no-print-directory install-files DESTDIR=$(PACKAGE) UNITS=$(PACKAGE)/usr/lib/systemd/system \
		COMMAND=$(PACKAGE)/usr/bin/promptly ETC=$(PACKAGE)/opt/promptly/first
	@install -d $(PACKAGE)/DEBIAN $(PACKAGE)/usr/share/doc/promptly $(LIBRARIES)/bin
	@ln -s /usr/bin/python3 $(LIBRARIES)/bin/python
	@echo 'home = /usr/bin' > $(LIBRARIES)/pyvenv.cfg
	@for python in $(PYTHONS); do $(call LOCKED_PIP,install) --no-index --find-links build/wheels --no-deps --no-compile \
		--python-version $$python $(WHEELS) --target $(LIBRARIES)/lib/python$$python/site-packages -r requirements.lock \
		|| exit 1; done
	@rm -rf $(LIBRARIES)/lib/python*/site-packages/bin
	@$(PYTHON) systemd/debian/environment.py LICENSE $(PACKAGE)/usr/share/doc/promptly/copyright \
		$(patsubst %,$(LIBRARIES)/lib/python%/site-packages,$(PYTHONS))
	@install -m 755 $(addprefix systemd/debian/,preinst postinst prerm postrm) $(PACKAGE)/DEBIAN
	@sed "s/@VERSION@/$(VERSION)/; s/@SIZE@/$$(du -sk $(PACKAGE) | cut -f1)/" systemd/debian/control > $(PACKAGE)/DEBIAN/control
	@chmod -R u=rwX,go=rX $(PACKAGE) && chmod 600 $(PACKAGE)/opt/promptly/first/mailbox.password
	@dpkg-deb --root-owner-group --build $(PACKAGE) build/promptly_$(VERSION)_amd64.deb

build/wheels/.locked: requirements-build.lock requirements.lock | build/pip/.locked
	@rm -rf build/wheels
	@for python in $(PYTHONS); do $(call LOCKED_PIP,download) --no-deps --python-version $$python $(WHEELS) \
		--dest build/wheels -r requirements-build.lock -r requirements.lock || exit 1; done
	@touch $@

build/pip/.locked: requirements-build.lock
	@$(PYTHON) -m venv build/pip
	@build/pip/bin/pip --disable-pip-version-check --quiet install --require-hashes -r requirements-build.lock
	@touch $@

lock: ## write the locks anew, with the newest versions that pyproject.toml allows
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/pip --disable-pip-version-check --quiet install pip-tools
	echo setuptools | $(COMPILE) --upgrade --no-annotate --output-file requirements-build.lock -
	$(COMPILE) --upgrade --extra dev --extra demo --extra oauth --output-file requirements-dev.lock pyproject.toml
	$(COMPILE) --upgrade --constraint requirements-dev.lock --extra oauth --output-file requirements.lock pyproject.toml

clean: ## remove what can be made again, but never state/
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
