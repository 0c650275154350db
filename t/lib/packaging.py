"""Builds packages of this source tree, in the root of the peer `packaging`.

    name = packaging.tarball(folder)                  # handoff-0.9.0, the tarball of make dist
    packaging.deb(folder, name)                       # [path of each .deb], by contrib/deb
    packaging.rpm(folder, name)                       # [path of each .rpm], by rpmbuild
    packaging.raised(folder, name, "0.1.1")           # the same source as a later version

A package is compiled with the flags of a release except debugging symbols. A compiler cache in the
build tree makes further versions and formats cheap. The unit tests are not built; `make check` runs
them.
"""
import glob
import os
import re
import shutil
import subprocess

from mta import TOP
from tap import diag

_BUILD = os.environ.get("TOP_BUILDDIR") or os.path.join(TOP, "build")


def environment():
    return {**os.environ, "PATH": f"/usr/lib/ccache:{os.environ['PATH']}",
            "CCACHE_DIR": os.environ.get("CCACHE_DIR") or os.path.join(_BUILD, "ccache"),
            # -fixfilepath keeps the path of the build out of the compiler's options, so that builds
            # of the same source have the same options.
            "DEB_BUILD_OPTIONS": "nocheck noautodbgsym parallel=2 reproducible=-fixfilepath",
            "DEB_CXXFLAGS_APPEND": "-g0", "DEB_BUILD_TYPE": "--build=binary"}


def call(folder, *command, **variables):
    """Runs a command in the folder; returns its output. On failure, prints the output and
    raises."""
    done = subprocess.run(command, cwd=folder, env={**environment(), **variables},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        diag(said[-6000:])
        raise RuntimeError(f"{command[0]} failed: {done.returncode}")
    return said


def tarball(folder):
    with open(os.path.join(TOP, "configure.ac"), encoding="utf-8") as file:
        name = "-".join(re.search(r"^AC_INIT\(\[(.*?)\], \[(.*?)\]\)", file.read(), re.M).groups())
    call(folder, f"{TOP}/contrib/dist", TOP, name)
    return name


def _sorted(files):
    """Sorts by package name, so that handoff comes first."""
    return sorted(files, key=lambda path: re.split(r"[-_](?=\d)", os.path.basename(path))[0])


def deb(folder, name):
    call(folder, f"{TOP}/contrib/deb", name, "deb")
    return _sorted(glob.glob(os.path.join(folder, "deb", "*.deb")))


def rpm(folder, name):
    """Uses --nodeps, because the build dependencies have other names on this system."""
    flags = {each: call(folder, "dpkg-buildflags", "--get", each).strip()
             for each in ("CPPFLAGS", "CXXFLAGS", "LDFLAGS")}  # as for the Debian packages
    call(folder, "rpmbuild", "-tb", "--nodeps", "--define", f"_topdir {folder}/rpm", "--define",
         f"optflags {flags['CXXFLAGS']}", "--define", "debug_package %{nil}", "--define",
         "_smp_mflags -j2", f"{name}.tar.gz", **flags)
    version = name.rpartition("-")[2]
    return _sorted(glob.glob(os.path.join(folder, "rpm", "RPMS", "*", f"*-{version}-*.rpm")))


def raised(folder, name, version):
    """Writes the tarball of a version that differs from `name` only in its number; returns its
    name."""
    old = name.rpartition("-")[2]
    new = f"{name.rpartition('-')[0]}-{version}"
    call(folder, "tar", "-xzf", f"{name}.tar.gz")
    shutil.rmtree(os.path.join(folder, new), ignore_errors=True)
    os.rename(os.path.join(folder, name), os.path.join(folder, new))
    for path, what in (("configure.ac", f"[{old}]"), ("contrib/debian/changelog", f"({old}-"),
                       ("contrib/rpm/handoff.spec", f"Version: {old}")):
        path = os.path.join(folder, new, path)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace(what, what.replace(old, version), 1))
    call(folder, "tar", "-czf", f"{new}.tar.gz", new)
    shutil.rmtree(os.path.join(folder, new))
    return new
