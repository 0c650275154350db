"""Real servers for a test. contrib/peers unpacks them; t/interop/README.md explains them.

    peer.enter('postfix')     # runs the rest of the test as if Postfix were installed
    peer.folder('swaks')      # the folder of its files, for a program that runs from anywhere

If the peer is missing or cannot be entered (no root), the test is skipped.
"""
import os
import subprocess
import sys

import tap

_TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
_PEER_ROOT = os.path.join(_TOP, "t", "interop", "peer-root")


def require(name):
    """Skips the test if enter(name) is impossible."""
    check = subprocess.run([_PEER_ROOT, "--check", name], stdout=subprocess.PIPE, text=True,
                           check=False)
    if check.returncode != 0:
        tap.skip_all(check.stdout.strip())


def enter(name, folders=()):
    """Restarts the test in the peer's root and returns there, as process 1 of a process namespace,
    so that all its processes end with it. folders: further folders of this machine to make
    visible."""
    if os.environ.get("HANDOFF_PEER_ROOT") == name:
        return
    require(name)
    needed = {sys.prefix, sys.base_prefix, *folders}
    needed.update(os.path.dirname(os.environ[variable]) for variable in ("HANDOFFD", "HANDOFFCTL")
                  if variable in os.environ)
    os.environ["HANDOFF_BIND"] = ":".join(
        folder for folder in needed if folder not in ("", "/", "/usr"))
    sys.stdout.flush()
    os.execv(_PEER_ROOT, [_PEER_ROOT, name, sys.executable, os.path.abspath(sys.argv[0]),
                          *sys.argv[1:]])


def _folder(name):
    return os.path.join(os.environ.get("HANDOFF_PEERS") or os.path.join(_TOP, "build", "peers"),
                        name)


def is_there(name):
    """Returns whether contrib/peers has unpacked the peer."""
    return os.path.isdir(_folder(name))


def folder(name):
    """Returns the folder of a peer's files."""
    path = _folder(name)
    if not is_there(name):
        tap.skip_all(f"no {name} in {os.path.dirname(path)} (contrib/peers {name})")
    return path


def environment(name):
    """Returns an environment in which the peer's programs find their shared objects and modules."""
    root = folder(name)
    libraries = [where for where, _, names in os.walk(os.path.join(root, "usr", "lib"))
                 if any(".so" in each for each in names)]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries),
            "PERL5LIB": os.path.join(root, "usr", "share", "perl5")}
