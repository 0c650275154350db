#!/usr/bin/env python3
"""Files that `make install` installs contain the paths of this build for programs, configuration,
sockets and spool, whatever paths the sources contain."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import Configuration, program
from tap import diag, done, empty, is_, ok

config = Configuration()
scratch = config.scratch
tree = os.path.dirname(os.path.dirname(program("HANDOFFD")))


def placed(folder, **places):
    """Lets make write the files for these paths; returns {path: content}."""
    made = subprocess.run(["make", "-C", tree, "placed", f"build={scratch.path}/{folder}",
                           *[f"{name}={value}" for name, value in places.items()]],
                          env={**os.environ, "MAKEFLAGS": ""}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if not is_(made.returncode, 0, f"make_writes_the_files_for_{folder}"):
        diag(made.stdout[-3000:])
    found = {}
    top = os.path.join(scratch.path, folder, "placed")
    for where, _, names in os.walk(top):
        for name in names:
            path = os.path.join(where, name)
            with open(path, encoding="utf-8", errors="replace") as file:
                found[os.path.relpath(path, top)] = file.read()
    return found


text = placed("elsewhere", sbindir="/usr/sbin", sysconfdir="/etc/mail", runstatedir="/var/run",
              docdir="/usr/share/doc/handoff", localstatedir="/srv")
ok(len(text) > 40, "make_writes_more_than_40_files")
for place in (r"/usr/local/sbin/handoff", r"(?<![a-z])/etc/handoffd\.conf", r"/usr/local/etc/handoffd",
              r"(?<![a-z])/run/handoff", r"/var/spool/handoff", r"cp contrib/", r"contrib/inetd"):
    # The profile has alternatives: /usr/{,local/}sbin. NEWS is about earlier versions.
    empty((f"{path}: {found[0]}" for path, content in text.items() if path != "NEWS"
           and not path.startswith("contrib/apparmor/")
           for found in [re.search(f".*{place}.*", content)] if found),
          f"none_names_{place.replace('(?<![a-z])', '')}")
for path, words in (("contrib/sendmail/handoff.m4", "`/usr/sbin/handoffd'"),
                    ("contrib/inetd/inetd.conf", " root /usr/sbin/handoffd handoffd --stdin"),
                    ("contrib/inetd/xinetd.conf", "= /usr/sbin/handoffd\n"),
                    ("contrib/openrc/handoffd", 'command="/usr/sbin/handoffd"'),
                    ("contrib/rc.d/handoffd.freebsd", ':="/etc/mail/handoffd.conf"'),
                    ("contrib/systemd/handoffd.service", "ExecStart=/usr/sbin/handoffd "),
                    ("doc/sendmail.md",
                     "cp /usr/share/doc/handoff/examples/sendmail/handoff.m4 /usr/share/sendmail"),
                    ("etc/handoffd.conf", "#listen = unix:/var/run/handoff/lmtp.sock\n"),
                    ("man/handoffd.conf.5", ".Ql /srv/spool/handoff")):
    ok(words in text.get(path, ""), f"{path}_names_{words.strip()}")

# --- The configuration may contain passwords of databases, so only its owner may read it.
installed = os.path.join(scratch.path, "installed")
for target in (["placed"], ["-o", "all", "install", f"DESTDIR={installed}"]):
    made = subprocess.run(["make", "-C", tree, *target], env={**os.environ, "MAKEFLAGS": ""},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if made.returncode != 0:
        diag(made.stdout[-3000:])
modes = {oct(os.stat(os.path.join(folder, name)).st_mode & 0o7777)
         for folder, _, names in os.walk(installed) for name in names
         if name == "handoffd.conf" and "/doc/" not in folder}
is_(modes, {"0o640"}, "the_installed_configuration_has_mode_0640")

# --- The scripts for the BSDs, with a stub of rc.subr: before a start they create the folder for
# sockets, which is missing after a boot, and they do not start a server whose configuration is
# invalid.
RC_SUBR = {"freebsd": ("/etc/rc.subr", """
load_rc_config() { :; }
run_rc_command() { ${start_precmd} && echo starts ${command_args}; }
"""), "openbsd": ("/etc/rc.d/rc.subr", """
rc_cmd() { rc_pre && echo starts "$daemon"; }
""")}
for name in ("handoffd", "handoffctl"):
    os.makedirs(f"{scratch.path}/sbin", exist_ok=True)
    os.symlink(program(name.upper()), f"{scratch.path}/sbin/{name}")
text = placed("here", sbindir=f"{scratch.path}/sbin", sysconfdir=scratch.path,
              runstatedir=f"{scratch.path}/run")
for system, (path, stub) in RC_SUBR.items():
    script = text[f"contrib/rc.d/handoffd.{system}"]
    ok(f". {path}\n" in script, f"the_script_for_{system}_reads_its_rc.subr")
    script = script.replace(f". {path}\n", f". {scratch.file(f'{system}.subr', stub)}\n")
    # The script for OpenBSD uses the default configuration file.
    script = script.replace("${daemon} --check", "${daemon} --check -c " + config.path)
    script = scratch.file(f"{system}.rc", script)

    def start():
        run = subprocess.run(["sh", script, "start"], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, check=False)
        return run.returncode, run.stdout

    code, said = start()
    ok(code == 0 and "in order" in said and "\nstarts " in said, f"the_script_for_{system}_starts_a_valid_configuration")
    folder = os.path.join(scratch.path, "run", "handoff")
    is_(os.stat(folder).st_mode & 0o7777, 0o755, f"the_script_for_{system}_creates_the_folder_of_sockets")
    os.rmdir(folder)
    config.write({"spool.newline": "unix"})
    code, said = start()
    ok(code != 0 and "spool.newline" in said and "starts" not in said,
       f"the_script_for_{system}_does_not_start_an_invalid_configuration")
    config.write({"spool.newline": "lf"})
done()
