"""Certificates for a test, made by openssl(1): a CA, certificates that it signs, and self-signed
ones.

    certificates = Certificates(scratch)            # skips the test if openssl is missing
    server = certificates.self_signed('handoff.test')       # Pair(certificate, key): paths
    ca = certificates.self_signed('ca')
    pat = certificates.signed('pat', by=ca)
"""
import collections
import os
import shutil
import subprocess

import tap

Pair = collections.namedtuple("Pair", "certificate key")


class Certificates:
    """Files in the scratch folder. A name that is used again is overwritten."""

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
