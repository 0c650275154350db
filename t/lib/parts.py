"""The optional parts of the handoffd under test.

    parts.need('sqlite')      # skips the test where it was built without
"""
import subprocess

import tap
from handoffd import program


def has(name):
    """Whether handoffd was built with an optional part of configure."""
    said = subprocess.run([program("HANDOFFD"), "--version"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    return name in said.partition("optional parts:")[2].split()


def need(name):
    if not has(name):
        tap.skip_all(f"this handoffd was built without {name}")
