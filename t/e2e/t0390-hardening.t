#!/usr/bin/env python3
"""The built programs and modules have the compiler's hardening that configure chose."""
import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import program
from tap import done, empty, ok, skip_all

build = os.path.dirname(program("HANDOFFD"))
with open(os.path.join(build, "..", "config.mk"), encoding="utf-8") as file:
    settings = dict(re.findall(r"^(\w+) *= *(.*)$", file.read(), re.M))
FLAGS = settings["HARDEN_CXXFLAGS"] + " " + settings["HARDEN_CPPFLAGS"]
COMPILER = settings["CXX"]
SANITIZED, OPTIMISED = settings["SANITIZE_FLAGS"], "-O0" not in settings["CXXFLAGS"]


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


if not os.path.exists("/usr/bin/readelf"):
    skip_all("needs readelf")
PROGRAMS = [program("HANDOFFD"), program("HANDOFFCTL")]
MODULES = glob.glob(os.path.join(build, "lookups", "*.so"))
BUILT = PROGRAMS + MODULES


def lacking(files, pattern, *arguments):
    """Returns the files whose description by readelf has no match."""
    return [path for path in files if not re.search(pattern, output("readelf", "-W", *arguments, path))]


# --- What every build has.
empty(lacking(PROGRAMS, r"Type: +DYN .*Position-Independent", "-h"),
      "programs_are_position_independent")
empty(lacking(BUILT, r"GNU_RELRO", "-l"), "relocations_are_read_only")
empty(lacking(BUILT, r"BIND_NOW|FLAGS_1.*NOW", "-d"), "symbols_are_bound_at_the_start")
empty(lacking(BUILT, r"GNU_STACK +\S+ +\S+ +\S+ +\S+ +\S+ +RW ", "-l"), "stacks_are_not_executable")
empty([path for path in BUILT if re.search(r" RWE ", output("readelf", "-Wl", path))],
      "no_segment_is_writable_and_executable")

# --- What the compiler supports.
major = int(output(*COMPILER.split(), "-dumpversion").split(".")[0])
machine = output(*COMPILER.split(), "-dumpmachine")
is_gcc = "clang" not in output(*COMPILER.split(), "--version")
if is_gcc and major >= 12 and machine.startswith("x86_64"):
    wanted = ["-fstack-protector-strong", "-fstack-clash-protection", "-fcf-protection=full"]
    if not SANITIZED:
        wanted.append("-ftrivial-auto-var-init=zero")
    if not SANITIZED and OPTIMISED:
        wanted.append("-D_FORTIFY_SOURCE=3")
    empty([flag for flag in wanted if flag not in FLAGS], "configure_chooses_the_flags_that_this_compiler_supports")
with open(os.path.join(build, "compile.flags"), encoding="utf-8") as file:
    used = file.read()
empty([flag for flag in FLAGS.split() if flag not in used], "all_chosen_flags_are_used")
if "-fstack-protector" in FLAGS:
    empty(lacking(PROGRAMS, r"__stack_chk_fail", "-s", "--dyn-syms"), "stacks_have_canaries")
if "-fcf-protection" in FLAGS and machine.startswith("x86_64"):
    objects = glob.glob(os.path.join(build, "src", "*.o"))
    empty(lacking(objects, r"IBT, SHSTK", "-n"), "indirect_jumps_need_a_landing_pad")
if "_FORTIFY_SOURCE=" in FLAGS and OPTIMISED and not SANITIZED:
    ok(re.search(r"__\w+_chk\b(?<!__stack_chk)", output("readelf", "-W", "--dyn-syms", PROGRAMS[0])),
       "calls_of_the_c_library_are_fortified")
done()
