# handoff's build, for GNU make. `make` configures first where that was not done.
#
#   all  check  install  uninstall  dist  distcheck  deb  clean  distclean
#   run [ONCE=1]         serve in the foreground from build/run
#   check-lint check-unit check-e2e check-interop check-crash check-perf
#                        one suite; TESTS_interop='t0100-* t0160-*': those of it alone
#   check-power          60 power cuts a filesystem, and kills, as root: minutes
#   bench  fuzz [FUZZ_SECONDS=60]  format
#
# CXXFLAGS, CPPFLAGS, LDFLAGS are yours; V=1 shows the commands. What is built is
# in build/, below the top of the source tree or wherever configure was called.

srcdir ?= .
build  := build
SUITES := lint unit e2e interop crash perf

all:
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all slowdisk placed check check-power install uninstall dist distcheck deb clean distclean run bench fuzz format FORCE

# --- Configuration: make remakes what it includes, so this configures the tree.

ifneq ($(filter-out clean distclean format,$(or $(MAKECMDGOALS),all)),)
include config.mk
endif

$(srcdir)/configure: $(srcdir)/configure.ac $(srcdir)/m4/handoff.m4
	@command -v autoconf >/dev/null || { echo "autoconf is missing: run contrib/bootstrap" >&2; exit 1; }
	cd $(srcdir) && autoheader && autoconf && touch configure

config.mk: $(srcdir)/configure $(srcdir)/config.mk.in
	@if test -x config.status; then ./config.status --recheck && ./config.status; \
	else $(srcdir)/configure; fi
	@touch $@

# --- Sources: a file in its directory is all it takes.

MODULES   := $(LOOKUPS:%=$(build)/lookups/handoff-%.so)
EXPORTS   := $(if $(LOOKUPS),$(build)/lookups/exports)
PROGRAMS  := $(build)/handoffd $(build)/handoffctl
UNIT      := $(build)/t/unit/unit_tests
obj        = $(patsubst $(srcdir)/%.cc,$(build)/%.o,$(wildcard $(1:%=$(srcdir)/%)))
MAIN_OBJS := $(call obj,src/main.cc src/ctl/main.cc)
MODULE_OBJS := $(call obj,$(LOOKUPS:%=src/lookups/%_*.cc))
LIB_OBJS  := $(filter-out $(MAIN_OBJS) $(call obj,src/lookups/*.cc),$(call obj,src/*/*.cc))
UNIT_MAIN := $(call obj,t/unit/main.cc)
FUZZ_MAIN := $(call obj,t/fuzz/main.cc)
FUZZ_OBJS := $(filter-out $(FUZZ_MAIN),$(call obj,t/fuzz/*.cc))
UNIT_OBJS := $(call obj,t/unit/*/*.cc t/unit/*_test.cc)
UNIT_MORE := $(call obj,src/lookups/ldap_place.cc)  # the one part of a module that needs no library
BENCHES   := $(addprefix $(build)/t/bench/bin/,lmtpload floor inetd table scan)
SLOWDISK   = $(shell pkg-config --exists fuse3 && echo $(build)/t/bench/bin/slowdisk)
BENCH_OBJS := $(call obj,t/bench/*/*.cc)

# --- Flags. config.h comes in by itself: a source that forgot it would get the
# fallbacks and nobody would notice. The person's own flags come last.

DEFINES  = -D_FILE_OFFSET_BITS=64 -DSYSCONFDIR='"$(sysconfdir)"' \
           -DLOCALSTATEDIR='"$(localstatedir)"' -DRUNSTATEDIR='"$(runstatedir)"' \
           -DLOOKUPS_FOLDER='"$(lookupsdir)"'
CPP      = -Isrc -I$(srcdir)/src $(DEFINES) $(HARDEN_CPPFLAGS) $(LIB_CXXFLAGS) $(CPPFLAGS)
CXX_ALL  = $(STD_CXXFLAGS) $(WARN_CXXFLAGS) $(HARDEN_CXXFLAGS) $(SANITIZE_FLAGS) $(CXXFLAGS)
COMPILE_ARGS = $(CPP) -include src/config.h $(CXX_ALL) $(MODULE_CXXFLAGS) -MMD -MP
COMPILE  = $(CXX) $(COMPILE_ARGS)
LINK     = $(CXX) $(CXX_ALL) $(HARDEN_LDFLAGS) $(LDFLAGS)
LINK_MODULE = $(filter-out -pie,$(LINK)) -fPIC -shared
UNIT_CPP = $(UNIT_CXXFLAGS) -I$(srcdir)/t/unit -I$(srcdir)/t -DBOOST_TEST_DYN_LINK $(BOOST_TEST_CXXFLAGS)

module_cxxflags = $(foreach m,$(LOOKUPS),$($m_CXXFLAGS))
module_libs     = $(foreach m,$(LOOKUPS),$($m_LIBS))

Q   = $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)  $(or $(2),$@)")

# A file that is touched when its text changes: how flags and lists of objects
# become dependencies.
define remember
@mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(1))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(1))' >$@
endef
$(build)/compile.flags: FORCE ; $(call remember,$(COMPILE) $(UNIT_CPP) $(module_cxxflags))
$(build)/link.flags:    FORCE ; $(call remember,$(LINK) $(LINK_MODULE) $(LIB_LIBS) $(LIBS) $(LIB_OBJS) $(UNIT_OBJS) $(FUZZ_OBJS) $(MODULE_OBJS) $(module_libs))

# --- Programs.

all: $(PROGRAMS) $(MODULES) placed

$(build)/handoffd:   $(build)/src/main.o
$(build)/handoffctl: $(build)/src/ctl/main.o
$(PROGRAMS): $(build)/libhandoff.a $(build)/link.flags $(EXPORTS)
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(EXPORTS:%=@%) $(filter %.a,$^) $(LIB_LIBS) $(LIBS)

$(build)/libhandoff.a: $(LIB_OBJS) $(build)/link.flags
	$(call say,AR  )
	$(Q)rm -f $@ && $(AR) crs $@ $(LIB_OBJS)

$(build)/src/%.o: $(srcdir)/src/%.cc $(build)/compile.flags
	$(call say,CXX ,$<)
	$(Q)mkdir -p $(@D) && $(COMPILE) -c -o $@ $<

# --- Lookups that are modules (src/recipients/modules.hh): handoff-NAME.so is made of
# src/lookups/NAME_*.cc. What they need of ours the programs have and export: that, and
# no more, for every process pays for a table of exports.

$(MODULES): $(build)/lookups/handoff-%.so: $(build)/link.flags
	$(call say,LINK)
	$(Q)mkdir -p $(@D) && $(LINK_MODULE) -o $@ $(filter %.o,$^) $($*_LIBS) $(LIBS)

define module
$(build)/lookups/handoff-$(1).so: $(call obj,src/lookups/$(1)_*.cc)
$(call obj,src/lookups/$(1)_*.cc): private MODULE_CXXFLAGS := -fPIC $($(1)_CXXFLAGS)
endef
$(foreach m,$(LOOKUPS),$(eval $(call module,$m)))

$(EXPORTS): $(MODULES)
	$(call say,NM  )
	$(Q)$(NM) -D -u $^ | sed -n 's/.* \(_Z[A-Z]*7handoff[A-Za-z0-9_]*\)$$/\1/p' | sort -u >$@.names
	$(Q)sed '1s/^/{ /; s/$$/;/; $$s/$$/ };/' $@.names >$@.list
	$(Q){ echo '-Wl,--dynamic-list=$@.list'; sed 's/^/-Wl,-u,/' $@.names; } >$@

# --- Unit tests. Boost.Test is most of what they take to compile, so it is
# compiled once; its main is in the one file that cannot use that.

PCH := $(build)/t/unit/precompiled.hh

$(PCH).gch: $(srcdir)/t/unit/precompiled.hh $(build)/compile.flags
	$(call say,PCH )
	$(Q)mkdir -p $(@D) && $(COMPILE) $(UNIT_CPP) -x c++-header -o $@ $<

$(UNIT_MAIN): $(srcdir)/t/unit/main.cc $(build)/compile.flags
	$(call say,CXX ,$<)
	$(Q)mkdir -p $(@D) && $(COMPILE) $(UNIT_CPP) -c -o $@ $<

$(UNIT_OBJS): $(build)/t/unit/%.o: $(srcdir)/t/unit/%.cc $(PCH).gch
	$(call say,CXX ,$<)
	$(Q)mkdir -p $(@D) && $(CXX) -include $(PCH) -Winvalid-pch $(COMPILE_ARGS) $(UNIT_CPP) -c -o $@ $<

$(UNIT): $(UNIT_MAIN) $(UNIT_OBJS) $(UNIT_MORE) $(FUZZ_OBJS) $(build)/libhandoff.a $(build)/link.flags
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIB_LIBS) $(BOOST_TEST_LIBS) $(LIBS)

# --- Fuzz targets: part of the unit tests, and of a program for libFuzzer where
# configure was told to --enable-fuzzers (see t/fuzz/run).

$(FUZZ_MAIN) $(FUZZ_OBJS): $(build)/t/fuzz/%.o: $(srcdir)/t/fuzz/%.cc $(build)/compile.flags
	$(call say,CXX ,$<)
	$(Q)mkdir -p $(@D) && $(COMPILE) $(UNIT_CXXFLAGS) -I$(srcdir)/t/unit -c -o $@ $<

$(build)/t/fuzz/fuzz: $(FUZZ_MAIN) $(FUZZ_OBJS) $(call obj,$(addprefix src/,$(addsuffix /*.cc,base sys conf lmtp)))
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(FUZZER_LDFLAGS) $(LIB_LIBS) $(LIBS)

# --- Benchmarks.

$(BENCH_OBJS): $(build)/t/bench/%.o: $(srcdir)/t/bench/%.cc $(build)/compile.flags config.mk
	$(call say,CXX ,$<)
	$(Q)mkdir -p $(@D) && $(COMPILE) -I$(srcdir)/t/bench -c -o $@ $<

$(build)/t/bench/bin/lmtpload: $(call obj,t/bench/lmtpload/*.cc)
$(build)/t/bench/bin/floor:    $(call obj,t/bench/floor/*.cc)
$(build)/t/bench/bin/inetd:    $(call obj,t/bench/inetd/*.cc)
$(build)/t/bench/bin/table:    $(call obj,t/bench/table/*.cc)
$(build)/t/bench/bin/scan:     $(call obj,t/bench/scan/*.cc)
$(build)/t/bench/bin/slowdisk: $(call obj,t/bench/slowdisk/*.cc)
$(build)/t/bench/bin/slowdisk: private FUSE_LIBS = $(shell pkg-config --libs fuse3)
$(call obj,t/bench/slowdisk/*.cc): private CPPFLAGS += $(shell pkg-config --cflags fuse3)
$(BENCHES) $(build)/t/bench/bin/slowdisk: $(build)/libhandoff.a $(build)/link.flags
	$(call say,LINK)
	$(Q)mkdir -p $(@D) && $(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIB_LIBS) $(LIBS) $(FUSE_LIBS)

-include $(patsubst %.o,%.d,$(MAIN_OBJS) $(LIB_OBJS) $(call obj,src/lookups/*.cc) $(UNIT_MAIN) $(UNIT_OBJS) $(FUZZ_MAIN) $(FUZZ_OBJS) $(BENCH_OBJS)) $(wildcard $(PCH).d)

# --- Tests: all are TAP, run by prove through t/tap, which counts them into
# build/check/. `check` goes on after a failure and says at the end what it saw.
# A suite whose folder has lost its tests is a failure where HANDOFF_NO_SKIP=1.

TEST_ENV = TOP_SRCDIR='$(abspath $(srcdir))' TOP_BUILDDIR='$(abspath $(build))' \
           HANDOFFD='$(abspath $(build)/handoffd)' HANDOFFCTL='$(abspath $(build)/handoffctl)'
JOBS_e2e = -j2

check: all $(UNIT)
	@rm -rf $(build)/check; rc=0; \
	for s in $(SUITES); do $(MAKE) --no-print-directory check-$$s || rc=1; done; \
	$(srcdir)/t/tap --sum $(build)/check && exit $$rc

check-unit: $(UNIT)
check-e2e check-interop check-crash check-perf: all
check-crash: $(UNIT) slowdisk
$(SUITES:%=check-%): check-%: FORCE
	@mkdir -p $(build)/check && rm -f $(build)/check/$*
	@set -- $(wildcard $(addprefix $(srcdir)/t/$*/,$(or $(TESTS_$*),*.t))); test $$# -gt 0 || { echo "check-$*: there are no tests"; \
	test "$$HANDOFF_NO_SKIP" != 1 || test ! -e $(srcdir)/t/$*; exit; }; \
	echo "check-$*:"; $(TEST_ENV) TAP_COUNT='$(abspath $(build))/check/$*' \
	prove $(JOBS_$*) $(PROVEFLAGS) -e '$(srcdir)/t/tap' "$$@"

POWER := $(addprefix $(srcdir)/t/crash/,t0500-power.t t0520-kill-and-cut.t)
check-power: all slowdisk
	$(TEST_ENV) POWER_ROUNDS=30 KILL_ROUNDS=30 prove -v $(PROVEFLAGS) $(POWER)

run: all
	$(TEST_ENV) ONCE=$(ONCE) $(srcdir)/contrib/run
slowdisk: all
	@set -- $(SLOWDISK); test $$# -eq 0 || $(MAKE) --no-print-directory "$$@"
bench: all $(BENCHES) slowdisk
	$(TEST_ENV) $(srcdir)/t/bench/run $(BENCH)
fuzz: config.mk
	$(TEST_ENV) FUZZ_SECONDS='$(FUZZ_SECONDS)' FUZZ_TARGETS='$(FUZZ_TARGETS)' FUZZ_MERGE='$(FUZZ_MERGE)' $(srcdir)/t/fuzz/run
format:
	find $(srcdir)/src $(srcdir)/t -name '*.cc' -o -name '*.hh' | xargs clang-format -i

# --- Installation. A configuration that is there is never written over.

INSTALL ?= install
MAN  := $(wildcard $(srcdir)/man/*.[158])
SAMPLE := $(srcdir)/etc/handoffd.conf
# As they lie here, so that links lead from one to the next; but etc and contrib are examples.
EXAMPLES := apparmor completion exim grafana inetd logrotate openrc opensmtpd postfix prometheus rc.d sendmail systemd
DOCS := $(wildcard $(addprefix $(srcdir)/,README.md NEWS SECURITY.md HACKING.md LICENSE doc/*.md doc/*.svg)) \
        $(SAMPLE) $(wildcard $(EXAMPLES:%=$(srcdir)/contrib/%/*))
docdest = $(DESTDIR)$(docdir)/$(patsubst etc/%,examples/%,$(patsubst contrib/%,examples/%,$(1:$(srcdir)/%=%)))
# They name the places of an ordinary Linux system and of /usr/local; installed, those of this build.
# Made by `all`, so that an install by root leaves nothing of root's in the build tree.
PLACED  = $(1:$(srcdir)/%=$(build)/placed/%)
space  := $(subst ,, )
PLACES  = s,/usr/local/sbin/,$(sbindir)/,g; s,/usr/local/etc/handoffd,/etc/handoffd,g; \
          s,/etc/handoffd\.conf,$(sysconfdir)/handoffd.conf,g; \
          s,/var/run/handoff,/run/handoff,g; s,(^|[^a-z])/run/handoff,\1$(runstatedir)/handoff,g; \
          s,/var/spool/handoff,$(localstatedir)/spool/handoff,g; \
          s,cp contrib/,cp $(docdir)/examples/,; s,contrib/($(subst $(space),|,$(EXAMPLES)))/,examples/\1/,g
placed: $(call PLACED,$(MAN) $(DOCS))
$(build)/placed/%: $(srcdir)/% config.mk
	$(Q)mkdir -p $(@D) && sed -E '$(PLACES)' $< >$@
CONF  = $(DESTDIR)$(sysconfdir)/handoffd.conf
lookupsdir = $(libdir)/handoff
mandest = $(DESTDIR)$(mandir)/man$(subst .,,$(suffix $(1)))

install: all
	$(INSTALL) -d $(DESTDIR)$(sbindir) $(DESTDIR)$(sysconfdir)
	$(INSTALL) -c -m 755 $(PROGRAMS) $(DESTDIR)$(sbindir)
	$(if $(MODULES),$(INSTALL) -d $(DESTDIR)$(lookupsdir) && $(INSTALL) -c -m 644 $(MODULES) $(DESTDIR)$(lookupsdir))
	$(foreach m,$(MAN),$(INSTALL) -d $(call mandest,$m) && $(INSTALL) -c -m 644 $(call PLACED,$m) $(call mandest,$m)$(newline))
	@$(foreach d,$(sort $(dir $(foreach f,$(DOCS),$(call docdest,$f)))),$(INSTALL) -d $d$(newline))
	@$(foreach f,$(DOCS),$(INSTALL) -c -m 644 $(call PLACED,$f) $(call docdest,$f)$(newline))
	@echo "documentation and examples are in $(DESTDIR)$(docdir)"
	@if test ! -e $(CONF); then new=$(CONF); \
	elif cmp -s $(call PLACED,$(SAMPLE)) $(CONF); then exit 0; \
	else new=$(CONF).new; echo "$(CONF) is kept as it is; this version's is in $$new"; fi; \
	$(INSTALL) -c -m 644 $(call PLACED,$(SAMPLE)) $$new

# Takes back what install put; a configuration that somebody changed stays.
uninstall: placed
	rm -f $(PROGRAMS:$(build)/%=$(DESTDIR)$(sbindir)/%)
	rm -f $(foreach m,$(MODULES),$(DESTDIR)$(lookupsdir)/$(notdir $m))
	rm -f $(foreach m,$(MAN),$(call mandest,$m)/$(notdir $m))
	rm -f $(foreach f,$(DOCS),$(call docdest,$f))
	for d in $(DESTDIR)$(docdir) $(DESTDIR)$(lookupsdir); do \
	test ! -d $$d || find $$d -depth -type d -exec rmdir {} \;; done
	@for f in $(CONF) $(CONF).new; do if cmp -s $(call PLACED,$(SAMPLE)) $$f; then rm -f $$f; \
	elif test -e $$f; then echo "$$f was changed and is kept"; fi; done

define newline


endef

# --- Release. The tarball is the same to the byte wherever it is made from.

DIST := $(PACKAGE_TARNAME)-$(VERSION)

dist: $(srcdir)/configure
	$(srcdir)/contrib/dist $(srcdir) $(DIST)
distcheck: dist
	$(srcdir)/contrib/distcheck $(DIST) '$(MAKE)'
deb: dist
	$(srcdir)/contrib/deb $(DIST) $(build)/deb

clean:
	rm -rf $(build)
distclean: clean
	rm -rf autom4te.cache config.log config.status config.mk src/config.h
	if test $(srcdir) != .; then rm -f Makefile; elif test -e .git; then rm -f configure configure~ src/config.h.in src/config.h.in~; fi
