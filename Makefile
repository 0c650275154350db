# The build of handoff, for GNU make. `make` runs configure first if necessary.
#
#   all  check  install  install-strip  uninstall  dist  distcheck  deb  clean  distclean
#   run [ONCE=1]         serve in the foreground from build/run
#   check-lint check-unit check-e2e check-interop check-crash check-perf
#                        one suite; TESTS_interop='t0100-* t0160-*' selects tests of it
#   check-power          60 power cuts on each filesystem, and kills; as root, takes minutes
#   bench  fuzz [FUZZ_SECONDS=60]  format
#   html                 manuals and guides as web pages, in build/html
#
# You may set CXXFLAGS, CPPFLAGS and LDFLAGS; V=1 shows the commands. make uses all
# processors unless -j says otherwise. It writes to build/, in the top directory of the
# source tree or in the directory where configure was run.
#
# Each directory is compiled as one translation unit, which is fastest for a first
# build. `make SPLIT=1` compiles each file by itself, which is faster after an edit;
# a directory that was split stays split until `make clean`.

srcdir ?= .
build  := build
SUITES := lint unit e2e interop crash perf

CPUS := $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
# At this point $(MAKEFLAGS) lacks a -j that comes from the environment, but the shell's variable
# has it. A -j on the command line takes precedence anyway.
ifeq ($(MAKELEVEL)$(findstring -j,$(shell echo "$$MAKEFLAGS")),0)
MAKEFLAGS += -j$(CPUS)
endif

all:
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all slowdisk placed check check-power install install-strip uninstall dist distcheck deb clean distclean run bench fuzz format html FORCE

# --- Configuration: make updates included files, so including config.mk runs configure.

ifneq ($(filter-out clean distclean format html,$(or $(MAKECMDGOALS),all)),)
include config.mk
endif

$(srcdir)/configure: $(srcdir)/configure.ac $(srcdir)/m4/handoff.m4
	@command -v autoconf >/dev/null || { echo "autoconf is missing: run contrib/bootstrap" >&2; exit 1; }
	cd $(srcdir) && autoheader && autoconf && touch configure

config.mk: $(srcdir)/configure $(srcdir)/config.mk.in
	@if test -x config.status; then ./config.status --recheck && ./config.status; \
	else $(srcdir)/configure; fi
	@touch $@

# --- Sources: a new file in an existing directory needs no change here.

MODULES   := $(LOOKUPS:%=$(build)/lookups/handoff-%.so) $(SIEVE:%=$(build)/lookups/handoff-%.so)
EXPORTS   := $(if $(LOOKUPS)$(SIEVE),$(build)/lookups/exports)
PROGRAMS  := $(build)/handoffd $(build)/handoffctl
UNIT      := $(build)/t/unit/unit_tests
obj        = $(patsubst $(srcdir)/%.cc,$(build)/%.o,$(wildcard $(1:%=$(srcdir)/%)))
MAIN_OBJS := $(call obj,src/main.cc src/ctl/main.cc)
MODULE_OBJS := $(call obj,$(LOOKUPS:%=src/lookups/%_*.cc))
UNIT_MAIN := $(call obj,t/unit/main.cc)
FUZZ_MAIN := $(call obj,t/fuzz/main.cc)

# The objects of a directory: DIRECTORY.o, or DIRECTORY/FILE.o for each file if it is split. Files with
# a main(), and tests that redefine functions of the system, are always compiled separately.
ALONE     := $(MAIN_OBJS) $(UNIT_MAIN) $(FUZZ_MAIN) $(call obj,t/unit/sys/sandbox_*_test.cc)
directories = $(patsubst $(srcdir)/%/,%,$(sort $(dir $(wildcard $(1:%=$(srcdir)/%)))))
files      = $(filter-out $(ALONE),$(call obj,$(1)/*.cc))
is_split   = $(or $(SPLIT),$(wildcard $(call files,$(1))))
objects    = $(foreach d,$(1),$(if $(call is_split,$d),$(call files,$d),$(build)/$d.o))
LIB_DIRS  := $(filter-out src/lookups src/sieve,$(call directories,src/*/*.cc))
UNIT_DIRS := $(filter-out $(if $(SIEVE),,t/unit/sieve),$(call directories,t/unit/*/*.cc))
WHOLE     := $(foreach d,$(LIB_DIRS) $(if $(SIEVE),src/sieve) $(UNIT_DIRS) t/fuzz,$(if $(call is_split,$d),,$(build)/$d))

LIB_OBJS  := $(call objects,$(LIB_DIRS))
SIEVE_OBJS := $(if $(SIEVE),$(call objects,src/sieve))
SVTEST_OBJS := $(call obj,t/sieve/*.cc)
FUZZ_OBJS := $(call objects,t/fuzz)
UNIT_OBJS := $(call objects,$(UNIT_DIRS)) $(call obj,t/unit/*_test.cc) $(filter $(build)/t/unit/sys/%,$(ALONE))
UNIT_MORE := $(if $(filter ldap,$(LOOKUPS)),$(call obj,src/lookups/ldap_url.cc))
BENCHES   := $(addprefix $(build)/t/bench/bin/,lmtpload floor least inetd table scan)
# Filesystems for tests.
SLOWDISK   = $(shell pkg-config --exists fuse3 && echo $(addprefix $(build)/t/bench/bin/,slowdisk sharedfs))
BENCH_OBJS := $(call obj,t/bench/*/*.cc)

# --- Flags. config.h is included automatically: a source that forgot it would silently use
# the fallbacks. The user's flags come last.

DEFINES  = -D_FILE_OFFSET_BITS=64 -DSYSCONFDIR='"$(sysconfdir)"' \
           -DLOCALSTATEDIR='"$(localstatedir)"' -DRUNSTATEDIR='"$(runstatedir)"' \
           -DLOOKUPS_FOLDER='"$(lookupsdir)"'
CPP      = -Isrc -I$(srcdir)/src $(DEFINES) $(HARDEN_CPPFLAGS) $(LIB_CXXFLAGS) $(CPPFLAGS)
CXX_ALL  = $(STD_CXXFLAGS) $(WARN_CXXFLAGS) $(HARDEN_CXXFLAGS) $(SANITIZE_FLAGS) $(CXXFLAGS)
COMPILE_ARGS = $(CPP) -include src/config.h $(CXX_ALL) $(MODULE_CXXFLAGS) -MMD -MP
COMPILE  = $(CXX) $(COMPILE_ARGS)
LINK     = $(CXX) $(CXX_ALL) $(HARDEN_LDFLAGS) $(LDFLAGS)
LINK_MODULE = $(filter-out -pie,$(LINK)) -fPIC -shared
# Test code is not optimised, so it compiles in a quarter of the time. Without optimisation glibc
# warns about _FORTIFY_SOURCE, so that is undefined.
UNIT_CPP = $(UNIT_CXXFLAGS) -O0 -U_FORTIFY_SOURCE -I$(srcdir)/t/unit -I$(srcdir)/t -DBOOST_TEST_DYN_LINK $(BOOST_TEST_CXXFLAGS)

module_cxxflags = $(foreach m,$(LOOKUPS) $(SIEVE),$($m_CXXFLAGS))
module_libs     = $(foreach m,$(LOOKUPS) $(SIEVE),$($m_LIBS))

space := $(subst ,, )
define newline


endef

Q   = $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)  $(or $(2),$@)")

# Files that are rewritten only if their text changes, so that flags and lists of objects can
# be dependencies.
define remember
@mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(1))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(1))' >$@
endef
$(build)/compile.flags: FORCE ; $(call remember,$(COMPILE) $(UNIT_CPP) $(module_cxxflags))
$(build)/link.flags:    FORCE ; $(call remember,$(LINK) $(LINK_MODULE) $(LIB_LIBS) $(LIBS) $(LIB_OBJS) $(UNIT_OBJS) $(FUZZ_OBJS) $(MODULE_OBJS) $(SIEVE_OBJS) $(module_libs))

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

# The translation unit of a directory. It is rewritten only if the list of files has changed.
included = $(patsubst t/%,%,$(patsubst t/unit/%,%,$(patsubst src/%,%,$(patsubst $(build)/%.o,%.cc,$(call files,$(1))))))
$(WHOLE:%=%.cc): $(build)/%.cc: FORCE
	@mkdir -p $(@D); printf '#include "%s"\n' $(call included,$*) >$@.new; \
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
$(WHOLE:%=%.o): private CXX_ALL += $(WHOLE_CXXFLAGS)
$(filter $(build)/src/%,$(WHOLE:%=%.o)): %.o: %.cc $(build)/compile.flags
	$(call say,CXX ,$(@:$(build)/%.o=%/*.cc))
	$(Q)$(COMPILE) -c -o $@ $<

$(build)/src/%.o: $(srcdir)/src/%.cc $(build)/compile.flags
	$(call say,CXX ,$<)
	$(Q)mkdir -p $(@D) && $(COMPILE) -c -o $@ $<

# --- Lookups that are modules (src/recipients/modules.hh): handoff-NAME.so is built from
# src/lookups/NAME_*.cc. Modules call functions of the programs. The programs export only those
# functions, because a large symbol table costs every process memory.

$(MODULES): $(build)/lookups/handoff-%.so: $(build)/link.flags
	$(call say,LINK)
	$(Q)mkdir -p $(@D) && $(LINK_MODULE) -o $@ $(filter %.o,$^) $($*_LIBS) $(LIBS)

define module
$(build)/lookups/handoff-$(1).so: $(call obj,src/lookups/$(1)_*.cc)
$(call obj,src/lookups/$(1)_*.cc): private MODULE_CXXFLAGS := -fPIC $($(1)_CXXFLAGS)
endef
$(foreach m,$(LOOKUPS),$(eval $(call module,$m)))

# The Sieve engine (src/sieve/engine.hh) is one directory; the unit tests link it as well.
$(build)/lookups/handoff-sieve.so: $(SIEVE_OBJS)
$(SIEVE_OBJS): private MODULE_CXXFLAGS := -fPIC $(sieve_CXXFLAGS:-I%=-isystem %)

$(EXPORTS): $(MODULES)
	$(call say,NM  )
	$(Q)$(NM) -D -u $^ | sed -n 's/.* \(_Z[A-Z]*7handoff[A-Za-z0-9_]*\)$$/\1/p' | sort -u >$@.names
	$(Q)sed '1s/^/{ /; s/$$/;/; $$s/$$/ };/' $@.names >$@.list
	$(Q){ echo '-Wl,--dynamic-list=$@.list'; sed 's/^/-Wl,-u,/' $@.names; } >$@

# --- Unit tests. Compiling Boost.Test takes most of the time, so its header is precompiled. Only
# the file that defines its main() cannot use the precompiled header.

PCH := $(build)/t/unit/precompiled.hh

$(PCH).gch: $(srcdir)/t/unit/precompiled.hh $(build)/compile.flags
	$(call say,PCH )
	$(Q)mkdir -p $(@D) && $(COMPILE) $(UNIT_CPP) -x c++-header -o $@ $<

$(UNIT_MAIN): $(srcdir)/t/unit/main.cc $(build)/compile.flags
	$(call say,CXX ,$<)
	$(Q)mkdir -p $(@D) && $(COMPILE) $(UNIT_CPP) -c -o $@ $<

UNIT_WHOLE := $(filter $(build)/t/unit/%,$(WHOLE:%=%.o))
COMPILE_UNIT = $(CXX) -include $(PCH) -Winvalid-pch $(COMPILE_ARGS) $(UNIT_CPP)
$(UNIT_WHOLE): %.o: %.cc $(PCH).gch
	$(call say,CXX ,$(@:$(build)/%.o=%/*.cc))
	$(Q)$(COMPILE_UNIT) -c -o $@ $<
$(filter-out $(UNIT_WHOLE),$(UNIT_OBJS)): $(build)/t/unit/%.o: $(srcdir)/t/unit/%.cc $(PCH).gch
	$(call say,CXX ,$<)
	$(Q)mkdir -p $(@D) && $(COMPILE_UNIT) -c -o $@ $<

$(UNIT): $(UNIT_MAIN) $(UNIT_OBJS) $(UNIT_MORE) $(SIEVE_OBJS) $(FUZZ_OBJS) $(build)/libhandoff.a $(build)/link.flags
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIB_LIBS) $(if $(UNIT_MORE),$(ldap_LIBS)) $(if $(SIEVE),$(sieve_LIBS)) $(BOOST_TEST_LIBS) $(LIBS)

# --- Fuzz targets: part of the unit tests and, with configure --enable-fuzzers, of a program for
# libFuzzer (see t/fuzz/run).

COMPILE_FUZZ = $(COMPILE) $(UNIT_CXXFLAGS) -I$(srcdir)/t/unit -I$(srcdir)/t
$(filter $(build)/t/fuzz.o,$(FUZZ_OBJS)): %.o: %.cc $(build)/compile.flags
	$(call say,CXX ,$(@:$(build)/%.o=%/*.cc))
	$(Q)$(COMPILE_FUZZ) -c -o $@ $<
$(FUZZ_MAIN) $(filter $(build)/t/fuzz/%,$(FUZZ_OBJS)): $(build)/t/fuzz/%.o: $(srcdir)/t/fuzz/%.cc $(build)/compile.flags
	$(call say,CXX ,$<)
	$(Q)mkdir -p $(@D) && $(COMPILE_FUZZ) -c -o $@ $<

$(build)/t/fuzz/fuzz: $(FUZZ_MAIN) $(FUZZ_OBJS) $(SIEVE_OBJS) $(build)/libhandoff.a
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(FUZZER_LDFLAGS) $(if $(SIEVE),$(sieve_LIBS)) $(LIB_LIBS) $(LIBS)

# --- svtest: runs Pigeonhole's tests of its own Sieve (t/interop/t0400-pigeonhole-tests.t).

$(SVTEST_OBJS): $(build)/t/sieve/%.o: $(srcdir)/t/sieve/%.cc $(build)/compile.flags
	$(call say,CXX ,$<)
	$(Q)mkdir -p $(@D) && $(COMPILE) -c -o $@ $<
$(build)/t/sieve/svtest: $(SVTEST_OBJS) $(SIEVE_OBJS) $(build)/libhandoff.a $(build)/link.flags
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(sieve_LIBS) $(LIB_LIBS) $(LIBS)

# --- Benchmarks.

$(BENCH_OBJS): $(build)/t/bench/%.o: $(srcdir)/t/bench/%.cc $(build)/compile.flags config.mk
	$(call say,CXX ,$<)
	$(Q)mkdir -p $(@D) && $(COMPILE) -I$(srcdir)/t/bench -c -o $@ $<

$(build)/t/bench/bin/lmtpload: $(call obj,t/bench/lmtpload/*.cc)
$(build)/t/bench/bin/floor:    $(call obj,t/bench/floor/*.cc)
$(build)/t/bench/bin/least:    $(call obj,t/bench/least/*.cc t/bench/floor/sequence.cc)
$(build)/t/bench/bin/inetd:    $(call obj,t/bench/inetd/*.cc)
$(build)/t/bench/bin/table:    $(call obj,t/bench/table/*.cc)
$(build)/t/bench/bin/scan:     $(call obj,t/bench/scan/*.cc)
$(build)/t/bench/bin/slowdisk: $(call obj,t/bench/slowdisk/*.cc)
$(build)/t/bench/bin/sharedfs: $(call obj,t/bench/sharedfs/*.cc)
$(build)/t/bench/bin/slowdisk $(build)/t/bench/bin/sharedfs: private FUSE_LIBS = $(shell pkg-config --libs fuse3)
$(call obj,t/bench/slowdisk/*.cc t/bench/sharedfs/*.cc): private CPPFLAGS += $(shell pkg-config --cflags fuse3)
$(BENCHES) $(build)/t/bench/bin/slowdisk $(build)/t/bench/bin/sharedfs: $(build)/libhandoff.a $(build)/link.flags
	$(call say,LINK)
	$(Q)mkdir -p $(@D) && $(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIB_LIBS) $(LIBS) $(FUSE_LIBS)

-include $(patsubst %.o,%.d,$(MAIN_OBJS) $(LIB_OBJS) $(call obj,src/lookups/*.cc) $(UNIT_MAIN) $(UNIT_OBJS) $(FUZZ_MAIN) $(FUZZ_OBJS) $(SIEVE_OBJS) $(SVTEST_OBJS) $(BENCH_OBJS)) $(wildcard $(PCH).d)

# --- Tests: all print TAP and are run by prove through t/tap, which counts them in
# build/check/. `check` continues after a failure and prints the totals at the end.
# With HANDOFF_NO_SKIP=1 a suite without tests is a failure.

TEST_ENV = TOP_SRCDIR='$(abspath $(srcdir))' TOP_BUILDDIR='$(abspath $(build))' \
           HANDOFFD='$(abspath $(build)/handoffd)' HANDOFFCTL='$(abspath $(build)/handoffctl)'
# The number of test files that run at once. Most of them mainly wait for a server or a compiler; those
# that take longest start first. Only performance tests run alone.
TEST_JOBS ?= $(shell echo $$((2 * $(CPUS) + 1)))
TOGETHER := crash interop unit e2e lint
FIRST    := t0500-power.t t0100-postfix.t t0290-debian.t t0240-documents.t t0295-rpm.t t0247-container.t t0248-examples.t t0520-kill-and-cut.t
tests     = $(wildcard $(addprefix $(srcdir)/t/$(1)/,$(or $(TESTS_$(1)),*.t)))
in_order  = $(filter $(FIRST:%=\%/%),$(1)) $(filter-out $(FIRST:%=\%/%),$(1))
# $(call ...,SUITES,JOBS): a shell command that runs these suites.
define prove
{ mkdir -p $(build)/check && rm -f $(1:%=$(build)/check/%) && echo "check: $(1)" && \
$(foreach s,$(1),$(if $(call tests,$s),,echo "check-$s: there are no tests" && \
{ test "$$HANDOFF_NO_SKIP" != 1 || test ! -e $(srcdir)/t/$s; } &&)) \
set -- $(call in_order,$(foreach s,$(1),$(call tests,$s))) && \
{ test $$# -eq 0 || $(TEST_ENV) TAP_COUNTS='$(abspath $(build))/check' \
prove -j$(2) $(PROVEFLAGS) -e '$(srcdir)/t/tap' "$$@"; }; }
endef

check: all $(UNIT) $(if $(SIEVE),$(build)/t/sieve/svtest) slowdisk
	@rm -rf $(build)/check; rc=0; \
	$(call prove,$(TOGETHER),$(TEST_JOBS)) || rc=1; $(call prove,perf,1) || rc=1; \
	$(srcdir)/t/tap --sum $(build)/check && exit $$rc

check-unit: $(UNIT)
check-e2e check-interop check-crash check-perf: all
check-interop: $(if $(SIEVE),$(build)/t/sieve/svtest)
check-e2e check-crash: slowdisk
check-crash: $(UNIT)
$(SUITES:%=check-%): check-%: FORCE
	@$(call prove,$*,$(if $(filter perf,$*),1,$(TEST_JOBS)))

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
	+$(TEST_ENV) FUZZ_SECONDS='$(FUZZ_SECONDS)' FUZZ_TARGETS='$(FUZZ_TARGETS)' FUZZ_MERGE='$(FUZZ_MERGE)' $(srcdir)/t/fuzz/run
html:
	$(srcdir)/contrib/html $(abspath $(build))/html
format:
	find $(srcdir)/src $(srcdir)/t -name '*.cc' -o -name '*.hh' | xargs clang-format -i

# --- Installation. An existing configuration is never overwritten. A new one is not world-readable,
# because it may contain passwords of databases.

INSTALL ?= install
INSTALL_PROGRAM ?= $(INSTALL)
MAN  := $(wildcard $(srcdir)/man/*.[1578])
SAMPLE := $(srcdir)/etc/handoffd.conf
# Documents keep their directories when they are installed, so that links between them work; etc and
# contrib become examples.
EXAMPLES := apparmor cluster completion exim grafana inetd logrotate openrc opensmtpd postfix prometheus rc.d sendmail systemd
DOCS := $(wildcard $(addprefix $(srcdir)/,README.md NEWS SECURITY.md CONTRIBUTING.md HACKING.md LICENSE doc/*.md doc/*.svg doc/*.png doc/examples/*.md doc/examples/*/*)) \
        $(SAMPLE) $(wildcard $(EXAMPLES:%=$(srcdir)/contrib/%/*))
docdest = $(DESTDIR)$(docdir)/$(patsubst etc/%,examples/%,$(patsubst contrib/%,examples/%,$(1:$(srcdir)/%=%)))
# The sources contain the paths of a usual Linux system and of /usr/local; installed copies contain
# those of this build. `all` makes the copies, so that `make install` as root leaves no files of root
# in the build tree.
PLACED  = $(1:$(srcdir)/%=$(build)/placed/%)
PLACES  = s,/usr/local/sbin,$(sbindir),g; s,/usr/local/share/doc/handoff,$(docdir),g; s,/usr/local/etc/handoffd,/etc/handoffd,g; \
          s,/etc/handoffd\.conf,$(sysconfdir)/handoffd.conf,g; \
          s,/var/run/handoff,/run/handoff,g; s,(^|[^a-z])/run/handoff,\1$(runstatedir)/handoff,g; \
          s,/var/spool/handoff,$(localstatedir)/spool/handoff,g; \
          s,cp contrib/,cp $(docdir)/examples/,; s,([ =])doc/examples/,\1$(docdir)/doc/examples/,g; s,contrib/($(subst $(space),|,$(EXAMPLES)))/,examples/\1/,g
placed: $(call PLACED,$(MAN) $(DOCS))
$(build)/placed/%: $(srcdir)/% config.mk
	$(Q)mkdir -p $(@D) && sed -E '$(PLACES)' $< >$@
CONF  = $(DESTDIR)$(sysconfdir)/handoffd.conf
lookupsdir = $(libdir)/handoff
mandest = $(DESTDIR)$(mandir)/man$(subst .,,$(suffix $(1)))

install: all
	$(INSTALL) -d $(DESTDIR)$(sbindir) $(DESTDIR)$(sysconfdir)
	$(INSTALL_PROGRAM) -c -m 755 $(PROGRAMS) $(DESTDIR)$(sbindir)
	$(if $(MODULES),$(INSTALL) -d $(DESTDIR)$(lookupsdir) && $(INSTALL_PROGRAM) -c -m 644 $(MODULES) $(DESTDIR)$(lookupsdir))
	$(foreach m,$(MAN),$(INSTALL) -d $(call mandest,$m) && $(INSTALL) -c -m 644 $(call PLACED,$m) $(call mandest,$m)$(newline))
	@$(foreach d,$(sort $(dir $(foreach f,$(DOCS),$(call docdest,$f)))),$(INSTALL) -d $d$(newline))
	@$(foreach f,$(DOCS),$(INSTALL) -c -m 644 $(call PLACED,$f) $(call docdest,$f)$(newline))
	@echo "documentation and examples are in $(DESTDIR)$(docdir)"
	@if test ! -e $(CONF); then new=$(CONF); \
	elif cmp -s $(call PLACED,$(SAMPLE)) $(CONF); then exit 0; \
	else new=$(CONF).new; echo "$(CONF) is kept as it is; this version's is in $$new"; fi; \
	$(INSTALL) -c -m 640 $(call PLACED,$(SAMPLE)) $$new

# The same without debugging symbols, which make up nine tenths of the size of a program.
install-strip:
	@$(MAKE) --no-print-directory install INSTALL_PROGRAM='$(INSTALL) -s'

# Removes the installed files, but keeps a changed configuration.
uninstall: placed
	rm -f $(PROGRAMS:$(build)/%=$(DESTDIR)$(sbindir)/%)
	rm -f $(foreach m,$(MODULES),$(DESTDIR)$(lookupsdir)/$(notdir $m))
	rm -f $(foreach m,$(MAN),$(call mandest,$m)/$(notdir $m))
	rm -f $(foreach f,$(DOCS),$(call docdest,$f))
	for d in $(DESTDIR)$(docdir) $(DESTDIR)$(lookupsdir); do \
	test ! -d $$d || find $$d -depth -type d -exec rmdir {} \;; done
	@for f in $(CONF) $(CONF).new; do if cmp -s $(call PLACED,$(SAMPLE)) $$f; then rm -f $$f; \
	elif test -e $$f; then echo "$$f was changed and is kept"; fi; done

# --- Release. The tarball is reproducible: it is identical wherever it is made.

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
