#!/usr/bin/env python3
"""Two hosts share one spool: the second does not start, or it waits if cluster.name is set on both.
A host that has lost the spool publishes nothing more, and a message that is sent again to the other
host is delivered once. The hosts are namespaces; they see a local directory, or each of them mounts
it by FUSE."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import hosts
import mounts
import tap
from control import until
from handoffd import Handoffd, is_sanitized
from lmtp import Lmtp, deliver, stuffed
from processes import status, titled
from spool_hosts import Site
from tap import done, is_, ok

PAT = "pat@good.test"
SOON = 10  # seconds: less than the fifteen after which a host is considered lost
CLUSTER = {"cluster.name": "mail"}

if not hosts.can() or not mounts.private():
    tap.skip_all("not root, or no namespaces")


def message(name):
    return f"Subject: {name}\r\n\r\nbody of {name}\r\n".encode()


def names(host):
    return sorted(each.split(b"body of ")[1].split()[0].decode() for each in host.messages(PAT))


def codes(host, people, name):
    final = deliver(host.unix, "a@client.test", people, message(name)).final
    return [final[each].code for each in people]


def send(host, name):
    return codes(host, [PAT], name)


def begin(host, name):
    """Sends a message without its end; returns the connection."""
    client = Lmtp(host.unix)
    found = [each.code for each in client.session("LHLO client.test", "MAIL FROM:<a@client.test>",
                                               f"RCPT TO:<{PAT}>", "DATA")]
    if found != [250, 250, 250, 354]:
        raise RuntimeError(f"{name}: {found}")
    client.send(stuffed(message(name))[:-3])
    return client


def run(command):
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         check=False)
    return ran.returncode, ran.stdout


def refused(site, by, what, settings=None):
    """Tests that another host does not start."""
    other = site.host("other", settings, start=False)
    code, said = run(other.command)
    is_(code, 78, f"{what}: the_second_host_exits_with_78")
    if not ok(f"in use by the host {by.name}" in said, f"{what}: it_names_the_host_that_has_the_spool"):
        tap.diag(said)
    code, said = run(other.on_host([*other.plain, "--check"]))
    if not ok(by.name in said, f"{what}: check_names_it_too"):
        tap.diag(said)
    other.scratch.remove()


def two_servers_of_one_host():
    with Handoffd() as one, Handoffd({"spool.path": one.spool}) as two:
        one.mailbox(PAT)
        is_((send(one, "a"), send(two, "b")), ([250], [250]),
            "two_servers_of_one_host_share_a_local_spool")


def one_at_a_time(kind):
    what = kind or "local"
    with Site(kind) as site:
        with site.host("one") as one:
            one.mailbox(PAT)
            is_(send(one, "first"), [250], f"{what}: the_first_host_delivers")
            for keeper in titled(one.servers(), "keeper"):
                facts = status(keeper)
                is_((facts["NoNewPrivs"], facts["Seccomp"]), ("1", "0" if is_sanitized() else "2"),
                    f"{what}: the_process_that_keeps_the_spool_is_confined")
            refused(site, one, what)
            is_(send(one, "second"), [250], f"{what}: and_still_does")
            one.kill()
            began = time.monotonic()
            one.start()
            ok(time.monotonic() - began < SOON, f"{what}: a_killed_host_starts_again_at_once")
            is_(send(one, "third"), [250], f"{what}: and_delivers")
            is_(one.stop(), 0, f"{what}: it_stops")
            began = time.monotonic()
            with site.host("two") as two:
                ok(time.monotonic() - began < SOON,
                   f"{what}: after_a_stop_another_host_starts_at_once")
                is_(send(two, "fourth"), [250], f"{what}: and_delivers")
                is_(names(two), ["first", "fourth", "second", "third"],
                    f"{what}: all_are_there_once")


def doctor(kind):
    what = kind or "local"
    with Site(kind) as site, site.host("one") as one:
        one.mailbox(PAT)
        ran = [run(one.entered([one.ctl, "-c", one.path, "doctor"])) for _ in range(8)]
        own = os.path.join(site.directory, ".handoff")
        is_([code for code, _ in ran], [0] * 8, f"{what}: doctor_finds_no_problem")
        is_((os.listdir(os.path.join(own, "unread")),
             [each for each in os.listdir(own) if each.startswith("visit")], one.staged()),
            ([], [], []), f"{what}: eight_runs_of_doctor_leave_nothing")
        ok("acknowledged mail survives" in ran[0][1], f"{what}: doctor_says_what_is_promised")
        code, said = run(one.entered([one.plain[0], "-c", one.path, "--check"]))
        is_((code, "acknowledged mail survives" in said), (0, True), f"{what}: and_so_does_check")


def ledger_is_on_the_host():
    with Site("glusterfs") as site:
        with site.host("one", options=["--direct-io"]) as one:
            one.mailbox(PAT)
            is_(send(one, "x"), [250], "a_mount_that_cannot_be_mapped_is_delivered_to")
            is_(os.path.exists(os.path.join(site.directory, ".handoff", "ledger")), False,
                "the_ledger_is_not_on_a_shared_filesystem")


def links(kind, number, error):
    with Site(kind) as site:
        with site.host("one", options=["--max-links", str(number), str(error)]) as one:
            people = [f"user{i}@good.test" for i in range(8)]
            for each in people:
                one.mailbox(each)
            is_(codes(one, people, "m"), [250] * 8, f"a_link_that_fails_with_errno_{error}_becomes_a_copy")
            is_([len(one.messages(each)) for each in people], [1] * 8, "each_has_the_message_once")
            is_(one.staged(), [], "nothing_is_left_in_staging")


def unread(host, name):
    """Delivers and disconnects without reading the reply."""
    client = begin(host, name)
    client.send(b".\r\n")
    until(lambda: name in names(host), "it is in the mailbox")
    return client


def takes_over(kind):
    with Site(kind) as site:
        with site.host("one", CLUSTER) as one, site.host("two", CLUSTER, start=False) as two:
            one.mailbox(PAT)
            refused(site, one, f"{kind}, cluster.name on one only")
            two.ready = None
            two.start()
            two.wait_for(r"waiting for the spool.*one\.test")
            is_(two.stop(), 0, f"{kind}: a_host_that_waits_stops_on_sigterm")
            two.start()
            two.wait_for(r"waiting for the spool.*one\.test", len(two.log))
            silent = unread(one, "unread")
            late = begin(one, "late")
            one.freeze()
            began = time.monotonic()
            two.wait_for(r"\bready\b")
            tap.diag(f"{kind}: taken over after {time.monotonic() - began:.1f} s")
            is_(send(two, "unread"), [250], f"{kind}: the_other_host_takes_over")
            is_(names(two).count("unread"), 1, f"{kind}: a_retry_at_the_other_host_is_recognised")
            one.thaw()
            late.send(b".\r\n")
            reply = late.reply()
            is_(reply.code // 100, 4, f"{kind}: the_first_host_defers_what_it_had_begun")
            is_(names(two).count("late"), 0, f"{kind}: and_publishes_nothing")
            is_(one.wait(), 75, f"{kind}: it_ends")
            is_(send(two, "late"), [250], f"{kind}: the_retry_is_delivered")
            is_(names(two), ["late", "unread"], f"{kind}: everything_is_there_once")
            silent.close()
            late.close()
            one.log.clear()
            one.ready = None
            one.start()
            one.wait_for(r"waiting for the spool.*two\.test")
            two.stop()
            one.wait_for(r"\bready\b")
            is_(send(one, "last"), [250], f"{kind}: after_a_stop_the_first_host_takes_over_again")


def say_status(host, enter=lambda command: command):
    return run(enter([host.ctl, "-c", host.path, "status"]))


def shows_that_it_waits(kind):
    what = kind or "local"
    with Site(kind) as site:
        with site.host("one", CLUSTER):
            two = site.host("two", CLUSTER, start=False)
            two.ready = None
            two.start()
            two.wait_for(r"waiting for the spool.*one\.test")
            code, said = say_status(two, two.entered)
            is_((code, "one.test" in said), (69, True),
                f"{what}: status_of_a_host_that_waits_names_the_other_one")
            two.kill()
            code, said = say_status(two)
            is_((code, "no server is running" in said), (69, True),
                f"{what}: a_killed_host_does_not_wait")
            two.scratch.remove()


def beats(site):
    """Returns the number in the lease, and the host that has the spool."""
    folder = os.path.join(site.directory, ".handoff", "hosts")
    try:
        token = os.listdir(folder)[0]
        with open(os.path.join(folder, token, "lease"), encoding="ascii") as lease:
            return int(lease.readline()), token.rpartition(".")[0]
    except (OSError, IndexError, ValueError):
        return 0, ""


def full_disk():
    with Site("glusterfs", size="4m") as site:
        with site.host("one", CLUSTER) as one, site.host("two", CLUSTER, start=False) as two:
            one.mailbox(PAT)
            two.ready = None
            two.start()
            two.wait_for(r"waiting for the spool.*one\.test")
            fill = os.path.join(site.directory, "fill")
            with open(fill, "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(4096))
                except OSError:
                    pass
            before = beats(site)[0]
            # Nine beats take longer than the fifteen seconds after which a host loses the spool.
            until(lambda: beats(site)[0] >= before + 9, "the lease is renewed", 60)
            is_(beats(site)[1], "one.test", "on_a_full_disk_a_host_keeps_the_spool")
            os.unlink(fill)
            is_(send(one, "room"), [250], "it_delivers_when_there_is_space_again")


two_servers_of_one_host()
one_at_a_time(None)
doctor(None)
shows_that_it_waits(None)
why = hosts.missing_sharedfs()
if why:
    tap.skip(why)
else:
    one_at_a_time("glusterfs")
    one_at_a_time("unknown")
    doctor("glusterfs")
    ledger_is_on_the_host()
    links("glusterfs", 5, 28)
    links("unknown", 5, 31)
    shows_that_it_waits("glusterfs")
    full_disk()
    takes_over("glusterfs")
done()
