"""Certificates for a test, made by openssl(1): a CA, what it signs, and who signs for themselves.

    certificates = Certificates(scratch)            # skips the test where there is no openssl
    server = certificates.self_signed('handoff.test')       # Pair(certificate, key): paths
    ca = certificates.self_signed('ca')
    pat = certificates.signed('pat', by=ca)

    require_part('openssl')     # skips the test where handoffd was built without that part
    or_says_so('openssl', 'tls.certificate = /x', 'STARTTLS')   # or tests there what it then says
"""
import collections
import os
import shutil
import subprocess

import tap
from handoffd import Configuration, Handoffd, program
from lmtp import Lmtp

Pair = collections.namedtuple("Pair", "certificate key")


def parts():
    """Returns the optional parts that $HANDOFFD has, as its --version names them."""
    out = subprocess.run([os.environ["HANDOFFD"], "--version"], stdout=subprocess.PIPE, text=True,
                         check=True).stdout
    return out.partition("optional parts:")[2].split()


def require_part(*names):
    missing = [name for name in names if name not in parts()]
    if missing:
        tap.skip_all("handoffd was built without " + " and ".join(missing))


def or_says_so(part, setting, keyword):
    """Where handoffd was built without the part: holds that it refuses a setting for it with the
    reason, and does not offer its keyword. Then the test is over; else this does nothing."""
    if part in parts():
        return
    name, _, value = setting.partition(" = ")
    config = Configuration({name: value})
    done = subprocess.run([program("HANDOFFD"), "--check", "-c", config.path],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    tap.is_((done.returncode, "built without" in done.stdout), (78, True),
            f"a_build_without_{part}_refuses_to_be_configured_for_it ({done.stdout.strip()})")
    with Handoffd(tcp=True) as daemon, Lmtp(daemon.tcp) as client:
        offered = [line.split(" ")[0] for line in client.command("LHLO me").lines]
        tap.ok(keyword not in offered, f"a_build_without_{part}_offers_no_{keyword.lower()}")
    tap.done()


class Certificates:
    """Files in the scratch folder; each name is used once, or written over."""

    def __init__(self, scratch):
        if not shutil.which("openssl"):
            tap.skip_all("there is no openssl(1)")
        self.scratch = scratch

    def self_signed(self, name, common_name=None):
        pair = self._pair(name)
        self._run("req", "-x509", "-days", "2", "-keyout", pair.key, "-out", pair.certificate,
                  *self._fresh(common_name or name))
        return pair

    def signed(self, name, by, common_name=None):
        pair = self._pair(name)
        request = pair.key + ".request"
        self._run("req", "-keyout", pair.key, "-out", request, *self._fresh(common_name or name))
        self._run("x509", "-req", "-days", "2", "-in", request, "-CA", by.certificate, "-CAkey",
                  by.key, "-CAcreateserial", "-out", pair.certificate)
        return pair

    def _pair(self, name):
        base = os.path.join(self.scratch.path, name)
        return Pair(base + ".pem", base + ".key")

    @staticmethod
    def _fresh(common_name):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", f"/O=handoff/CN={common_name}")

    @staticmethod
    def _run(*arguments):
        done = subprocess.run(["openssl", *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {arguments[0]}: {done.stdout}")
