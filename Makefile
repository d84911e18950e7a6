# SPDX-License-Identifier: LGPL-2.1-or-later
#
# secondshot: lib/*/*.c make libss.a, each tools/NAME.c makes NAME, rrsync/*.c make
# rrsync, each tests/unit/NAME.c a test program.  All products lie below $(BUILD).

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
LIBEXECDIR = $(PREFIX)/lib/secondshot
RSNAPSHOT ?= /usr/bin/rsnapshot
RSYNC ?= /usr/bin/rsync
BUILD ?= build
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions

VERSION := $(shell sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)
PKGS = popt jansson libcrypto sqlite3 libmariadb libcap-ng

CFLAGS ?= -O2 -g
PKG_CONFIG ?= pkg-config
INSTALL ?= install

# Asked once, not for each object.
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS))
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS))
CF_PROTECTION := $(if $(filter x86_64-% i%86-%,$(shell $(CC) -dumpmachine)),-fcf-protection)

WARN = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wformat=2
FORTIFY ?= -D_FORTIFY_SOURCE=2
HARDEN = $(FORTIFY) -fstack-protector-strong -fPIE -fstack-clash-protection \
	$(CF_PROTECTION)
# The builder's own flags come last, so that they win.
SS_CPPFLAGS = -D_GNU_SOURCE -Ilib -Irrsync -DSS_VERSION='"$(VERSION)"' -DLIBEXECDIR='"$(LIBEXECDIR)"' \
	-DRSNAPSHOT='"$(RSNAPSHOT)"' $(PKG_CFLAGS) $(CPPFLAGS)
SS_CFLAGS = -std=c11 -pthread $(WARN) $(HARDEN) $(CFLAGS)
SS_LDFLAGS = -pie -pthread -Wl,-z,relro,-z,now,--as-needed $(LDFLAGS)
SS_LDLIBS = $(PKG_LIBS) -linih $(LDLIBS)

LIB_SRC := $(sort $(wildcard lib/*/*.c))
TOOL_SRC := $(wildcard tools/*.c)
UNIT_SRC := $(wildcard tests/unit/*.c)
SRC := $(LIB_SRC) $(TOOL_SRC) $(UNIT_SRC) $(wildcard tests/fuzz/*.c)
OBJ := $(SRC:%.c=$(BUILD)/obj/%.o)
LIBSS := $(BUILD)/libss.a
TOOLS := $(TOOL_SRC:tools/%.c=$(BUILD)/%)
UNITS := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)
SCRIPTS := $(BUILD)/secondshot
MAN := $(wildcard tools/*.[1-8])
# What enters the container's image has a target of its own.
BATS := $(filter-out tests/container.bats,$(wildcard tests/*.bats))

# What an administrator calls, and what only our own programs call.
LIBEXEC_TOOLS := $(filter $(BUILD)/ss-rsync $(BUILD)/ss-rsnapshot,$(TOOLS))
BIN_TOOLS := $(filter-out $(LIBEXEC_TOOLS),$(TOOLS)) $(SCRIPTS)

JOBS ?= $(shell nproc)
NICE ?=
# More than there are processors: tests wait, too.
PROVE = SS_BIN=$(abspath $(BUILD)) SS_TIMES=$(SS_TIMES) $(NICE) prove --timer -j$$((2 * $(JOBS) + 1))

# The shells' completions, from the tools' own tables.
COMPLETIONS := $(BIN_TOOLS:$(BUILD)/%=$(BUILD)/completion/bash/%) $(BIN_TOOLS:$(BUILD)/%=$(BUILD)/completion/zsh/_%)

all: $(LIBSS) $(TOOLS) $(SCRIPTS) rrsync $(COMPLETIONS)

units: $(UNITS)

$(TOOLS): $(BUILD)/%: $(BUILD)/obj/tools/%.o $(LIBSS)
	$(CC) $(SS_CFLAGS) $(SS_LDFLAGS) -o $@ $< $(LIBSS) $(SS_LDLIBS)

$(SCRIPTS): $(BUILD)/%: tools/% debian/changelog
	@mkdir -p $(@D)
	sed 's/@VERSION@/$(VERSION)/' $< >$@.new && chmod 0755 $@.new && mv $@.new $@

$(UNITS): $(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(LIBSS)
	@mkdir -p $(@D)
	$(CC) $(SS_CFLAGS) $(SS_LDFLAGS) -o $@ $(filter %.o,$^) $(LIBSS) $(SS_LDLIBS)

$(BUILD)/completion/bash/%: $(BUILD)/% etc/completion
	@mkdir -p $(@D)
	etc/completion bash $< >$@.new && mv $@.new $@

$(BUILD)/completion/zsh/_%: $(BUILD)/% etc/completion
	@mkdir -p $(@D)
	etc/completion zsh $< >$@.new && mv $@.new $@

$(BUILD)/unit/test_rrsync: $(BUILD)/obj/rrsync/words.o $(BUILD)/obj/rrsync/policy.o

# Made anew each time: an object whose source is gone must not stay in it.
$(LIBSS): $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(SS_CPPFLAGS) $(SS_CFLAGS) -MMD -MP -c -o $@ $<

# --- rrsync: stand-alone, nothing but libc ---------------------------------
# RSYNC is the one program that it runs; SANDBOX=0 is for the tests, to show that
# they fail without it.

SANDBOX ?= 1
RRSYNC_SRC := $(wildcard rrsync/*.c)
RRSYNC_CC = $(CC) -D_GNU_SOURCE -Irrsync -DRSYNC='"$(RSYNC)"' -DSANDBOX=$(SANDBOX) $(CPPFLAGS) $(SS_CFLAGS)

rrsync: $(BUILD)/rrsync
rrsync-static: $(BUILD)/rrsync-static

$(BUILD)/rrsync: $(RRSYNC_SRC) $(wildcard rrsync/*.h) $(BUILD)/flags
	$(RRSYNC_CC) $(SS_LDFLAGS) -o $@ $(RRSYNC_SRC) $(LDLIBS)

$(BUILD)/rrsync-static: $(RRSYNC_SRC) $(wildcard rrsync/*.h) $(BUILD)/flags
	$(RRSYNC_CC) -static-pie -Wl,-z,relro,-z,now $(LDFLAGS) -o $@ $(RRSYNC_SRC) $(LDLIBS)

# Changes only when the flags do, and then everything is compiled again.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' "$$FLAGS" | cmp -s - $@ || printf '%s\n' "$$FLAGS" >$@
$(BUILD)/flags: export FLAGS = $(CC) $(SS_CPPFLAGS) $(SS_CFLAGS) $(RSYNC) $(SANDBOX)

-include $(OBJ:.o=.d)

# --- tests ---------------------------------------------------------------

# A test's tag says where it runs; what has none runs in make check.
#	more	check-all: as it is built for use, and under the sanitizers
#	slow	check-all: as it is built for use; in check-long the rest
#	long	check-long
TAGS = !more,!slow,!long
TAGS_EXTRA = more,!long slow,!long
TAGS_ASAN = !slow,!long

# Those that wait most come first, so that none is left over at the end.
BATS_ALL := $(wildcard tests/ss-run-*.bats)
BATS_ALL += $(filter-out $(BATS_ALL),$(BATS))
# What touches a catalog, once more on a private MariaDB server.
BATS_MARIA := $(filter-out $(wildcard $(addprefix tests/,maria-*.bats ss-hash*.bats rrsync*.bats source.bats \
	usage.bats first-steps.bats ss-run-check.bats ss-run-due.bats ss-run-exec.bats ss-run-lock.bats \
	ss-run-refuse.bats ss-run-space.bats)),$(BATS_ALL))
# In make check only what goes most through the driver.
BATS_CORE := $(addprefix tests/,ss-catalog-digests.bats ss-catalog-store.bats ss-run-away.bats ss-verify.bats)

# One after the other: each of them keeps all processors busy.  TIMES=1: the dearest tests.
TIMES ?=
SS_TIMES = $(if $(TIMES),$(abspath $(BUILD))/times)
check: $(BUILD)/rrsync-driver
	@rm -f $(BUILD)/times
	@$(MAKE) --no-print-directory check-sqlite
	@$(MAKE) --no-print-directory check-maria BATS_MARIA="$(BATS_CORE)"
	@[ -z "$(TIMES)" ] || { echo "The dearest tests: ms of the processors, file, test"; sort -rn $(BUILD)/times | head -n10; }

check-sqlite: all units
	SS_TAGS="$(TAGS)" $(PROVE) -e tests/tap $(BATS_ALL) $(UNITS)

check-maria: all
	SS_TAGS="$(TAGS)" tests/mariadb run env $(PROVE) -e tests/tap $(BATS_MARIA)

check-extra: all $(BUILD)/rrsync-driver
	SS_TAGS="$(TAGS_EXTRA)" $(PROVE) -e tests/tap $(BATS_ALL)

# Undefined behaviour ends a program with SIGILL; "make check-asan UNDEFINED=" has the reason
# told, by a library that each of some thousand processes would load and search for leaks.
UNDEFINED ?= -fsanitize-undefined-trap-on-error
ASAN = BUILD=build-asan FORTIFY= CFLAGS="-O1 -g -fsanitize=address,undefined $(UNDEFINED) \
	-fno-sanitize-recover=all -fno-omit-frame-pointer"
CLANG = BUILD=build-clang CC=clang

# Each says what it took, and so does the whole.
STAGES = check-extra check-asan check-valgrind check-fuzz check-clang check-tidy check-cppcheck check-shell check-man
check-all:
	@tests/stage check-all $(MAKE) --no-print-directory check-stages
check-stages:
	@for stage in $(STAGES); do \
		tests/stage $$stage $(MAKE) --no-print-directory $$stage || exit 1; \
	done

# $(call SANITIZED,LEAKS): LEAKS=1 looks for memory that was never freed, which doubles the time of a
# short process.  make check-asan does so on SQLite, make check-long on the server as well.
SANITIZED = ASAN_OPTIONS=detect_stack_use_after_return=1:detect_leaks=$1 UBSAN_OPTIONS=print_stacktrace=1 \
	$(MAKE) --no-print-directory $(ASAN)
# Each file once: on the server what touches a catalog, which has run on SQLite as it is built
# for use; the rest on SQLite, with what goes most through that driver.
BATS_ONCE = $(filter-out $(BATS_MARIA) tests/source.bats,$(BATS_ALL)) \
	tests/ss-catalog-add.bats tests/ss-catalog-copy.bats
check-asan:
	$(call SANITIZED,1) check-sqlite BATS_ALL="$(BATS_ONCE)" TAGS='$(TAGS_ASAN)'
	$(call SANITIZED,0) check-maria TAGS='$(TAGS_ASAN)'

check-valgrind: units
	$(PROVE) -e 'valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite' \
		$(UNITS)

check-clang:
	$(MAKE) $(CLANG) all units

check-tidy: $(BUILD)/compile_flags.txt
	printf '%s\n' $(LIB_SRC) $(TOOL_SRC) $(RRSYNC_SRC) | \
		xargs -P$(JOBS) -n4 clang-tidy --quiet -p $(BUILD)

$(BUILD)/compile_flags.txt: $(BUILD)/flags
	printf '%s\n' -std=c11 $(SS_CPPFLAGS) -I$(CURDIR)/lib -I$(CURDIR)/rrsync \
		-DRSYNC='"$(RSYNC)"' >$@

check-cppcheck:
	cppcheck -q -j$(JOBS) --std=c11 --enable=warning,performance,portability --inline-suppr \
		--error-exitcode=1 --suppress=missingIncludeSystem -D_GNU_SOURCE -Ilib -Irrsync \
		-DRSYNC='"$(RSYNC)"' $(LIB_SRC) $(TOOL_SRC) $(RRSYNC_SRC)

check-shell: $(COMPLETIONS)
	shellcheck -x -S warning -e SC2034,SC2154 \
		$$(grep -lE '^#!.*(sh|bats)$$' .ci/run etc/* etc/*/* tools/* tests/* tests/*/* debian/* debian/tests/* 2>/dev/null)
	shellcheck -s bash $(filter $(BUILD)/completion/bash/%,$(COMPLETIONS))

check-man:
	@# From there mandoc finds our own pages; other packages' ones need not be installed.
	@out=$$(cd tools && mandoc -Tlint $(notdir $(MAN)) ../rrsync/rrsync.8 2>&1 | \
		grep -v 'outdated mandoc.db\|referenced manual not found'); \
		[ -z "$$out" ] || { printf '%s\n' "$$out"; exit 1; }

# All tests both ways and on both databases, then what takes hours.  What needs another
# program's own speed, several servers or a sandbox is never sanitized.
BATS_PLAIN = $(wildcard $(addprefix tests/,large.bats maria-galera.bats maria-plans.bats ss-run-nights.bats \
	ss-run-ssh.bats ss-run-exits.bats rrsync-attack.bats rrsync-degrade.bats rrsync-transfer.bats source.bats))
check-long: check all
	$(MAKE) check-sqlite TAGS=
	$(MAKE) check-maria TAGS=
	$(call SANITIZED,1) check-sqlite TAGS= BATS_ALL="$(filter-out $(BATS_PLAIN),$(BATS_ALL))"
	$(call SANITIZED,1) check-maria TAGS= BATS_MARIA="$(filter-out $(BATS_PLAIN),$(BATS_MARIA))"
	tests/mutate
	$(MAKE) -j$(JOBS) fuzz FUZZ_RUNS=10000000 FUZZ_SEED=0
	SS_BIN=$(abspath $(BUILD)) tests/torture/kill
	SS_BIN=$(abspath $(BUILD)) tests/torture/maria
	SS_BIN=$(abspath $(BUILD)) tests/equality --histories=200
	SS_LONG=1 $(PROVE) -e tests/tap $(wildcard tests/rrsync-*.bats)
	SS_BIN=$(abspath $(BUILD)) tests/torture/nights --nights=40 --jobs=3
	SS_BIN=$(abspath $(BUILD)) tests/torture/nights --nights=40 --link-dest=0
	tests/fresh-root
	tests/fresh-root --release=trixie
	tests/fresh-root --release=trixie --package
	$(MAKE) check-lifecycle

torture: all
	SS_BIN=$(abspath $(BUILD)) tests/torture/kill
	SS_BIN=$(abspath $(BUILD)) tests/torture/maria

bench: all $(BUILD)/rss
	SS_BIN=$(abspath $(BUILD)) tests/bench/bench
	SS_BIN=$(abspath $(BUILD)) tests/bench/maria
	SS_BIN=$(abspath $(BUILD)) tests/bench/run

$(BUILD)/rss: tests/bench/rss.c $(BUILD)/flags
	$(CC) $(SS_CPPFLAGS) $(SS_CFLAGS) $(SS_LDFLAGS) -o $@ $<

# rrsync against the stock script, over generated command lines; see tests/rrsync/diff.
DIFF_LINES ?= 200000
RRSYNC_PURE = rrsync/words.c rrsync/policy.c
RRSYNC_CORE = $(RRSYNC_PURE) rrsync/args.c rrsync/paths.c

diff-rrsync: $(BUILD)/rrsync-driver
	tests/rrsync/diff -n $(DIFF_LINES) $<

$(BUILD)/rrsync-driver: tests/rrsync/driver.c $(RRSYNC_CORE) $(wildcard rrsync/*.h) $(BUILD)/flags
	$(CC) $(SS_CPPFLAGS) -Irrsync $(SS_CFLAGS) $(SS_LDFLAGS) -o $@ $(filter %.c,$^)

bench-rrsync: all
	SS_BIN=$(abspath $(BUILD)) tests/bench/rrsync

# Random input, a harness for each reader; see tests/fuzz/frame.h.  The linker puts world.c
# in place of files and messages.
FUZZ := $(filter-out frame world,$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
FUZZ_FRAME = $(BUILD)/obj/tests/fuzz/frame.o $(BUILD)/obj/tests/fuzz/world.o
FUZZ_RUNS ?= 1000000
FUZZ_SEED ?= 1
FUZZ_SAN = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	-fno-sanitize-coverage=trace-cmp # twice as fast; the seeds have the words
FUZZ_BUILD = BUILD=build-fuzz CC=clang FORTIFY= CFLAGS="-O1 -g $(FUZZ_SAN)" \
	LIB_SRC="$(filter-out lib/catalog/% lib/run/%,$(LIB_SRC))"
FUZZ_WRAP = file_read file_read_most file_replace msg_error msg_warn msg_info msg_debug trust_file

fuzz: $(FUZZ:%=fuzz-%)

$(FUZZ:%=fuzz-%): fuzz-%: fuzz-programs
	tests/fuzz/run build-fuzz $* $(FUZZ_RUNS) $(FUZZ_SEED)

fuzz-programs:
	@$(MAKE) --no-print-directory -j$(JOBS) $(FUZZ_BUILD) $(FUZZ:%=build-fuzz/fuzz/%)

$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(FUZZ_FRAME) $(LIBSS)
	@mkdir -p $(@D)
	$(CC) $(SS_CFLAGS) -fsanitize=fuzzer $(SS_LDFLAGS) $(FUZZ_WRAP:%=-Wl,--wrap=%) -o $@ \
		$(filter %.o,$^) $(LIBSS) $(SS_LDLIBS)

$(BUILD)/fuzz/rsnapshot-conf: FUZZ_WRAP += rsnap_text
$(BUILD)/fuzz/rrsync: $(BUILD)/obj/rrsync/words.o $(BUILD)/obj/rrsync/policy.o

# Some seconds of it.
check-fuzz:
	@$(MAKE) --no-print-directory -j$(JOBS) fuzz FUZZ_RUNS=20000

# --- package and installation --------------------------------------------

# The package puts cron's line, logrotate's file and the units where they work.
EXAMPLES = $(addprefix etc/,authorized_keys crontab cron.d logrotate secondshot.service secondshot.timer)
PLUGINDIR = $(PREFIX)/lib/nagios/plugins
CONTAINER = $(addprefix etc/container/,Dockerfile common.sh compose.yaml compose-mariadb.yaml ssh_config)
CONTAINER_PROGRAMS = $(addprefix etc/container/,entrypoint cron-secondshot.sh host-keys healthcheck)
DOCDIR = $(PREFIX)/share/doc/secondshot
BASHDIR = $(PREFIX)/share/bash-completion/completions

install: all
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBEXECDIR)
	$(INSTALL) -m 0755 $(BIN_TOOLS) $(DESTDIR)$(PREFIX)/bin
	$(INSTALL) -m 0755 $(LIBEXEC_TOOLS) $(BUILD)/rrsync $(DESTDIR)$(LIBEXECDIR)
	for page in $(MAN) rrsync/rrsync.8; do \
		$(INSTALL) -D -m 0644 $$page \
			$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} || exit 1; \
	done
	$(INSTALL) -d $(DESTDIR)$(SYSCONFDIR)/secondshot
	for file in secondshot.conf rsnapshot.conf; do \
		[ -e $(DESTDIR)$(SYSCONFDIR)/secondshot/$$file ] || \
			$(INSTALL) -m 0640 etc/$$file $(DESTDIR)$(SYSCONFDIR)/secondshot || exit 1; \
	done
	$(INSTALL) -d $(DESTDIR)$(DOCDIR)/examples $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR)
	$(INSTALL) -m 0644 $(EXAMPLES) $(DESTDIR)$(DOCDIR)/examples
	$(INSTALL) -d $(DESTDIR)$(DOCDIR)/examples/hooks
	$(INSTALL) -m 0755 etc/hooks/* $(DESTDIR)$(DOCDIR)/examples/hooks
	$(INSTALL) -d $(DESTDIR)$(PLUGINDIR) $(DESTDIR)$(DOCDIR)/examples/nagios
	sed 's|@BINDIR@|$(PREFIX)/bin|' etc/nagios/check_secondshot >$(DESTDIR)$(PLUGINDIR)/check_secondshot
	chmod 0755 $(DESTDIR)$(PLUGINDIR)/check_secondshot
	$(INSTALL) -m 0644 etc/nagios/secondshot.cfg etc/nagios/sudoers $(DESTDIR)$(DOCDIR)/examples/nagios
	$(INSTALL) -d $(DESTDIR)$(DOCDIR)/examples/container
	$(INSTALL) -m 0644 $(CONTAINER) $(DESTDIR)$(DOCDIR)/examples/container
	$(INSTALL) -m 0755 $(CONTAINER_PROGRAMS) $(DESTDIR)$(DOCDIR)/examples/container
	$(INSTALL) -m 0644 $(BUILD)/completion/bash/* $(DESTDIR)$(BASHDIR)
	$(INSTALL) -m 0644 $(BUILD)/completion/zsh/* $(DESTDIR)$(ZSHDIR)

# In a copy, so that the products lie below $(BUILD) and not beside this directory.
DEBDIR = $(BUILD)/deb/secondshot-$(VERSION)
deb:
	rm -rf $(BUILD)/deb
	mkdir -p $(DEBDIR)
	tar -c --exclude=./build --exclude='./build-*' --exclude=./.git . | tar -x -C $(DEBDIR)
	cd $(DEBDIR) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL dpkg-buildpackage -us -uc -b
	rm -rf $(DEBDIR)

# The package as Debian would have it; what is not installed here is skipped with a word.
check-package:
	@mkdir -p $(BUILD)
	DEB_BUILD_OPTIONS=nocheck $(MAKE) deb >$(BUILD)/deb.log 2>&1 || { tail $(BUILD)/deb.log; exit 1; }
	lintian -EvIL +pedantic --fail-on error,warning,info,pedantic,experimental --allow-root $(BUILD)/deb/*.changes
	if command -v blhc >/dev/null; then blhc --all $(BUILD)/deb.log; else echo "blhc: skipped: not installed"; fi
	tests/package/reproducible

# The container's image, in $(BUILD)/container; its package is the one of "make deb", made anew
# if something in it is newer.  Where no image can be made, one sentence says why.
PACKAGE = $(BUILD)/deb/secondshot_$(VERSION)_$(shell dpkg --print-architecture).deb
container:
	@[ -e "$(PACKAGE)" ] && [ -z "$$(find lib tools rrsync etc debian Makefile -newer "$(PACKAGE)" -print -quit)" ] || \
		{ mkdir -p $(BUILD) && DEB_BUILD_OPTIONS=nocheck $(MAKE) deb >$(BUILD)/deb.log 2>&1 || \
		{ tail $(BUILD)/deb.log; exit 1; }; }
	tests/package/image "$(PACKAGE)" "$(BUILD)/container"

# And enters it: SQLite, a server, a host behind ssh, an end in the middle of a sync.
check-container: container
	SS_CONTAINER=$(abspath $(BUILD))/container $(PROVE) -e tests/tap tests/container.bats

autopkgtest piuparts:
	tests/package/$@

# A bare Debian for each: cron's own daemon, systemd's, an upgrade from the first version, purge.
check-lifecycle:
	tests/package/cron
	tests/package/systemd
	tests/package/lifecycle

quickstart:
	DEB_BUILD_OPTIONS=nocheck $(MAKE) deb
	tests/quickstart $(BUILD)/deb/secondshot_$(VERSION)_$$(dpkg --print-architecture).deb

clean:
	rm -rf build build-asan build-clang build-fuzz

FORCE:
.PHONY: all rrsync rrsync-static units check check-sqlite check-maria check-extra \
	check-all check-stages check-asan check-valgrind check-clang check-tidy check-cppcheck \
	check-shell check-man check-long torture bench diff-rrsync bench-rrsync \
	fuzz fuzz-programs check-fuzz $(FUZZ:%=fuzz-%) install deb check-package container check-container autopkgtest piuparts check-lifecycle quickstart clean FORCE
