#!/usr/bin/env python3
"""contrib/container: podman builds the images, and the commands of its README start a mail server
that receives, delivers and serves mail, and that keeps the mail when it is stopped.

No registry is contacted: the peer `debian`, a system made by debootstrap, takes the place of the
base image, and apt installs package files of the peers. handoff is compiled without optimisation,
which saves minutes.

TEST_TIMEOUT: 1800"""
import glob
import json
import os
import re
import resource
import smtplib
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import documents
import peer
from clean_system import CleanSystem
from daemon import Daemon
from mta import TOP, until
from scratch import Scratch
from tap import diag, done, is_, ok

peer.enter("podman", [peer.folder("debian"), peer.folder("installable")])
HERE = os.path.join(TOP, "contrib", "container")
BASE = re.search(r"^ARG BASE=(\S+)$", documents.text_of("contrib/container/Containerfile"), re.M)[1]
UP, USE = [block for _, language, block in documents.parts("contrib/container/README.md")
           if language == "sh"]
SEND, READ = USE.splitlines()
CONTAINER = "container_handoff_1"
BUILD_LIMIT = 1500  # seconds, on a busy machine


def run(*command, deadline=120):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, timeout=deadline, cwd=HERE)


def works(sentence, *command):
    """Runs a command and tests that it succeeds; returns its output."""
    result = run(*command)
    if not ok(result.returncode == 0, sentence):
        diag(result.stdout[-2000:] + result.stderr[-2000:])
    return result.stdout


def prepare_podman():
    """Podman keeps everything in memory and makes no control groups, so nothing is left here."""
    os.makedirs("/var/lib/containers", exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "containers", "/var/lib/containers"], check=True)
    # The low-level runtime refuses a mixture of both versions of control groups.
    if os.path.ismount("/sys/fs/cgroup/unified"):
        subprocess.run(["umount", "-R", "/sys/fs/cgroup"], check=True)
        subprocess.run(["mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup"], check=True)
    files = {"policy.json": '{"default": [{"type": "insecureAcceptAnything"}]}\n',
             "registries.conf": "unqualified-search-registries = []\n",
             # The package files are visible in containers, also while images are built.
             "containers.conf": f"""
[containers]
cgroups = "disabled"
volumes = ["{system.path('/srv')}:/srv:ro"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
"""}
    os.makedirs("/etc/containers", exist_ok=True)
    for name, text in files.items():
        with open(f"/etc/containers/{name}", "w", encoding="ascii") as file:
            file.write(text)
    os.environ["BUILDAH_ISOLATION"] = "chroot"


def import_base():
    """Makes the base image from the clean system."""
    tar = subprocess.Popen(["tar", "-C", system.root, "--one-file-system", "--exclude=./srv", "-c", "."],
                           stdout=subprocess.PIPE)
    imported = subprocess.run(["podman", "import", "-q", "-", BASE], stdin=tar.stdout, check=False,
                              stdout=subprocess.DEVNULL)
    return tar.wait() == 0 and imported.returncode == 0


def up():
    """Runs README's first command until all servers are ready. The second time nothing is compiled."""
    begun = len(compose.log)
    compose.command = [*UP.split(), "--build-arg", "CXXFLAGS=-O0"]
    compose.start()
    compose.wait_for("postfix/master.*daemon started", begun, deadline=BUILD_LIMIT)
    compose.wait_for("Dovecot .* starting up", begun)
    until(lambda: run("podman", "healthcheck", "run", CONTAINER).returncode == 0, "handoff is healthy")


def read(number=1):
    return run("sh", "-c", READ.replace("MAILINDEX=1", f"MAILINDEX={number}")).stdout


scratch = Scratch()
system = CleanSystem(scratch)
system.offer(glob.glob(os.path.join(peer.folder("installable"), "*.deb")))
prepare_podman()
ok(import_base(), "a_base_image_is_built_from_packages_of_debian")
os.chdir(HERE)
compose = Daemon(scratch, [], start=False)
up()
ok(True, f"{UP.strip().replace(' ', '_')}_builds_the_images_and_starts_a_healthy_server")

# --- The image: no privileges, volumes, a health check.
facts = json.loads(works("podman_describes_the_container", "podman", "inspect", CONTAINER))[0]
is_(run("podman", "exec", CONTAINER, "id", "-u").stdout.strip(), "5000",
    "handoffd_runs_as_an_unprivileged_user")
is_(run("podman", "exec", CONTAINER, "id", "-gn").stdout.strip(), "handoff", "handoffd_runs_in_a_group_of_its_own")
is_(sorted(mount["Destination"] for mount in facts["Mounts"] if mount["Type"] == "volume"),
    ["/run/handoff", "/var/spool/handoff"], "spool_and_socket_are_volumes")

# --- The mail server.
works("curl_sends_a_message_by_smtp", "sh", "-c", SEND)
until(lambda: "Subject: hello" in read(), "the message is in the mailbox")
ok(True, "curl_reads_the_message_by_imap")
with smtplib.SMTP("127.0.0.1", 2525, local_hostname="client.test", timeout=60) as client:
    client.ehlo()
    client.mail("sender@example.net")
    is_(client.rcpt("info@example.org")[0], 250, "an_alias_is_accepted")
    is_(client.rcpt("unknown@example.org")[0], 550, "an_unknown_recipient_is_refused_during_the_session")

# --- Stop: Postfix queues mail that arrives meanwhile, and the volumes keep the mail.
works("podman_stops_handoff", "podman", "stop", CONTAINER)
is_(json.loads(run("podman", "inspect", CONTAINER).stdout)[0]["State"]["ExitCode"], 0,
    "handoffd_exits_with_0")
works("postfix_accepts_mail_for_a_known_recipient_without_handoffd", "sh", "-c", SEND.replace("hello", "later"))
works("podman_compose_down_stops_all", "podman-compose", "down")
is_(run("podman", "ps", "-aq").stdout, "", "no_container_is_left")
compose.wait()
up()
run("podman", "exec", "container_postfix_1", "postqueue", "-f")
until(lambda: "Subject: later" in read(2), "the second message is in the mailbox")
ok("Subject: hello" in read(1), "after_the_next_start_both_messages_are_in_the_mailbox")
run("podman-compose", "down")
spent = resource.getrusage(resource.RUSAGE_CHILDREN)
diag(f"{spent.ru_utime + spent.ru_stime:.0f} seconds of processor time")

done()
