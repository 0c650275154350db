"""The optional parts of the tested handoffd.

    parts.need('sqlite')      # skips the test if handoffd was built without it
    parts.or_says_so('openssl', 'tls.certificate = /x', 'STARTTLS')
                              # without it, tests that the setting is refused, and ends
"""
import subprocess

import tap
from handoffd import Configuration, Handoffd, optional_parts, program
from lmtp import Lmtp


def has(name):
    """Returns whether handoffd was built with this optional part of configure."""
    return name in optional_parts()


def need(*names):
    missing = [name for name in names if not has(name)]
    if missing:
        tap.skip_all("this handoffd was built without " + " and ".join(missing))


def or_says_so(part, setting, keyword):
    """If handoffd was built without the part, tests that it refuses a setting for it with a reason
    and does not offer its keyword, and ends the test. Otherwise does nothing."""
    if has(part):
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
