"""A fresh Debian system, made by debootstrap (the peer `debian`), in which packages are installed.

    system = CleanSystem(scratch)            # in a peer's root, which removes the mounts
    system.offer(["handoff_0.9.0-1_amd64.deb"])
    system.apt("install", "handoff")         # as an administrator would; uses no network
    system.run("handoffd", "--check")        # a subprocess.CompletedProcess, its output as text
    system.path("/etc/handoffd.conf")        # the path of that file for the test
"""
import os
import shutil
import subprocess

import peer

_DEPENDED = "/srv/packages"  # contrib/peers put the dependencies of handoff's packages there
_OFFERED = "/srv/offered"
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
                "DEBIAN_FRONTEND": "noninteractive"}


class CleanSystem:
    def __init__(self, scratch):
        """Changes are kept in memory, below scratch.path. The system shares /dev, /proc and the
        loopback interface with the test; process 1 is not systemd."""
        base = os.path.join(scratch.path, "clean")
        self.root = os.path.join(base, "root")
        for folder in ("", "upper", "work", "root"):
            os.makedirs(os.path.join(base, folder), exist_ok=True)
        _call("mount", "-t", "tmpfs", "-o", "mode=755", "clean", base)
        for folder in ("upper", "work", "root"):
            os.mkdir(os.path.join(base, folder))
        _call("mount", "-t", "overlay", "-o",
              f"lowerdir={peer.folder('debian')},upperdir={base}/upper,workdir={base}/work",
              "clean", self.root)
        _call("mount", "-t", "proc", "proc", self.path("/proc"))
        _call("mount", "--rbind", "/dev", self.path("/dev"))
        os.mkdir(self.path(_OFFERED))
        self._write("/etc/apt/sources.list", "".join(
            f"deb [trusted=yes] file:{folder} ./\n" for folder in (_DEPENDED, _OFFERED)))
        self._list(_DEPENDED)

    def path(self, name):
        return self.root + name

    def command(self, *command):
        """Returns the command line that runs a command in the system."""
        return ["chroot", self.root, "env", "-i",
                *(f"{name}={value}" for name, value in _ENVIRONMENT.items()), *command]

    def run(self, *command, deadline=250):
        """The output goes to a file, because processes that the command starts may keep it open."""
        with open(f"{self.root}.said", "w+", encoding="utf-8") as said:
            code = subprocess.run(self.command(*command), stdin=subprocess.DEVNULL, stdout=said,
                                  stderr=subprocess.STDOUT, timeout=deadline, check=False).returncode
            said.seek(0)
            return subprocess.CompletedProcess(command, code, said.read())

    def offer(self, packages):
        """Makes these package files available to apt."""
        for package in packages:
            shutil.copy(package, self.path(_OFFERED))
        self._list(_OFFERED)
        done = self.run("apt-get", "-q", "update")
        if done.returncode != 0:
            raise RuntimeError(done.stdout)

    def apt(self, *arguments):
        return self.run("apt-get", "-qy", "--no-install-recommends", *arguments)

    def _list(self, folder):
        scanned = subprocess.run(["dpkg-scanpackages", "-m", "."], cwd=self.path(folder),
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        self._write(f"{folder}/Packages", scanned.stdout.decode())

    def _write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)


def _call(*command):
    subprocess.run(command, check=True)
