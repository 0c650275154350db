#!/usr/bin/env python3
"""Recipients' Sieve scripts run at delivery: they choose folders, set flags, reject, and store
several copies with one outcome. A failure of any kind defers the message (F26 to F30)."""
import os
import re
import subprocess
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
from control import ctl, status, until, workers
from handoffd import Handoffd, program
from lmtp import deliver
from owners import Owners
from processes import children, descendants, titled
from retries import kill
from tap import diag, done, empty, is_, ok

MODULE = os.path.join(os.path.dirname(program("HANDOFFCTL")), "lookups", "handoff-sieve.so")
PAT, LEE = "pat@example.org", "lee@example.org"
ONE = {"workers.max": 1, "workers.min-idle": 1, "log.level": "debug"}
SIEVE = {**ONE, "sieve.enabled": "yes"}

if not os.path.exists(MODULE):
    ok(True, "a_build_without_sieve_has_nothing_to_run")
    done()
    sys.exit(0)


def like(text, pattern, sentence):
    if not ok(re.search(pattern, text), sentence):
        diag(f"{text!r} has no {pattern!r}")


def message(name, *more):
    lines = [f"Subject: {name}", f"Message-ID: <{name}@example.org>", *more, "", f"body of {name}"]
    return ("\r\n".join(lines) + "\r\n").encode()


def write(path, text, owner=None):
    """Replaces a script by another file, as editors and ManageSieve do."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        file.write(text)
    if owner:
        os.chown(path + ".tmp", *owner)
    os.rename(path + ".tmp", path)


def script_of(daemon, address):
    return os.path.join(daemon.mailbox_path(address), ".dovecot.sieve")


def folder(daemon, name, address=PAT):
    """Returns the messages in a folder, the inbox for an empty name."""
    path = daemon.mailbox_path(address)
    return maildir.files(os.path.join(path, "." + name) if name else path)


def names(daemon, name, address=PAT):
    """Returns the subjects of the messages in a folder."""
    found = []
    for path in folder(daemon, name, address):
        with open(path, "rb") as file:
            found.append(re.search(rb"^Subject: (\S+)", file.read(), re.M)[1].decode())
    return sorted(found)


def send(daemon, text, *recipients):
    """Returns the final replies, in order."""
    final = deliver(daemon.unix, "sender@example.net", recipients, text).final
    return [str(final[each]) for each in recipients]


def code(daemon, name, *recipients):
    return [int(each[:3]) for each in send(daemon, message(name), *(recipients or [PAT]))]


RULES = """require ["fileinto", "imap4flags", "reject", "copy", "mailbox", "editheader", "include",
"envelope", "variables"];
# rule:[Lists]
if header :is "subject" "list" { fileinto :create "Lists/Pat"; }
elsif header :is "subject" "flagged" { addflag ["\\\\Seen", "\\\\Flagged", "$Label1"]; keep; }
elsif header :is "subject" "two" { fileinto :create :copy "A"; fileinto :create :flags "\\\\Seen" "B"; }
elsif header :is "subject" "both" { fileinto :create :copy "A"; }
elsif header :is "subject" "nothing" { discard; }
elsif header :is "subject" "no" { reject "First line
second line \u00e9"; }
elsif header :is "subject" "edited" { addheader "X-Sorted" "yes"; fileinto :create "Edited"; }
elsif header :is "subject" "missing" { fileinto "Nowhere"; }
elsif header :is "subject" "included" { include "more"; }
elsif header :is "subject" "absent" { include :optional "absent"; }
elsif header :is "subject" "faulty" { set "a" "\\\\"; redirect "${a}"; }
"""

with Handoffd({**SIEVE, "sieve.timeout": "2s"}) as daemon:
    for each in (PAT, LEE):
        daemon.mailbox(each)
    write(script_of(daemon, PAT), RULES)
    write(os.path.join(daemon.mailbox_path(PAT), "sieve", "more.sieve"),
          'require ["fileinto", "mailbox"]; fileinto :create "More";')

    is_(code(daemon, "plain"), [250], "a_message_that_no_rule_matches_is_kept")
    is_(names(daemon, ""), ["plain"], "a_kept_message_is_in_the_inbox")
    is_(code(daemon, "list"), [250], "fileinto_stores_in_a_folder")
    is_(names(daemon, "Lists.Pat"), ["list"], "a_slash_separates_the_parts_of_a_folder_name")
    line = daemon.wait_for(r"delivered .*<list@example.org>")
    like(line, r'folder=Lists/Pat .*action=fileinto script=\S*/\.dovecot\.sieve line=4 rule=Lists',
         "the_log_names_folder_script_line_and_rule_F19")
    is_(code(daemon, "flagged"), [250], "a_message_with_flags_is_delivered")
    path, = [each for each in folder(daemon, "") if "/cur/" in each]
    like(path, r",S=\d+:2,FSa$", "flags_are_in_the_name_in_cur")
    with open(os.path.join(daemon.mailbox_path(PAT), "dovecot-keywords"), encoding="ascii") as file:
        is_(file.read(), "0 $Label1\n", "keywords_are_listed_as_dovecot_lists_them")
    is_(code(daemon, "two"), [250], "two_copies_have_one_outcome_F26")
    is_((names(daemon, "A"), names(daemon, "B")), (["two"], ["two"]), "both_copies_are_in_their_folders")
    first, second = folder(daemon, "A")[0], folder(daemon, "B")[0]
    is_(os.stat(first).st_ino, os.stat(second).st_ino, "unchanged_copies_are_links_of_one_file")
    like(second, r":2,S$", "one_of_the_two_copies_has_a_flag_of_its_own")
    daemon.wait_for(r"filtered .*action=fileinto .*line=6")
    is_(code(daemon, "both"), [250], "a_copy_in_a_folder_leaves_the_implicit_keep")
    is_((names(daemon, "A"), names(daemon, "").count("both")), (["both", "two"], 1), "the_implicit_keep_is_in_the_inbox")
    is_(code(daemon, "nothing"), [250], "a_discarded_message_is_accepted")
    like(daemon.wait_for(r"discarded .*<nothing@example.org>"), r"action=discard .*line=8 .*code=250",
         "the_log_says_that_it_was_discarded_and_by_which_line")
    reply, = send(daemon, message("no"), PAT)
    is_(reply, f"550 5.7.1 <{PAT}> First line second line ??",
        "the_text_of_reject_is_one_reply_line_of_ascii_F28")
    ok("no" not in names(daemon, ""), "a_rejected_message_is_not_stored")
    is_(code(daemon, "edited"), [250], "an_edited_message_is_delivered")
    with open(folder(daemon, "Edited")[0], "rb") as file:
        octets = file.read()
    ok(octets.startswith(b"X-Sorted: yes\nReturn-Path: <sender@example.net>\n") and
       octets.endswith(b"\n\nbody of edited\n"), "the_stored_message_has_the_edits")
    is_(maildir.size_in_name(folder(daemon, "Edited")[0]), len(octets), "the_file_name_gives_the_size_after_the_edits")
    is_(code(daemon, "missing"), [250], "fileinto_into_a_missing_folder_is_accepted")
    ok("missing" in names(daemon, ""), "the_message_is_then_in_the_inbox")
    daemon.wait_for(r"folder missing, message kept .*folder=Nowhere")
    is_((code(daemon, "included"), names(daemon, "More")), ([250], ["included"]),
        "a_script_is_included_from_sieve_include_directory_F18")
    is_((code(daemon, "absent"), "absent" in names(daemon, "")), ([250], True),
        "an_optional_script_may_be_missing")
    is_((code(daemon, "faulty"), "faulty" in names(daemon, "")), ([250], True),
        "an_error_during_the_run_keeps_the_message_F4")
    is_(code(daemon, "for_both", PAT, LEE), [250, 250], "recipients_have_their_own_scripts")
    is_(names(daemon, "", LEE), ["for_both"], "a_recipient_without_a_script_gets_the_message")
    empty(daemon.staged(), "nothing_stays_in_staging")
    found = os.listdir(os.path.join(daemon.spool, ".handoff", "unread"))
    empty(found, "nothing_stays_in_unread")

    # A broken script.
    before = len(daemon.log)
    write(script_of(daemon, LEE), "keep;\nnonsense;\n")
    is_((code(daemon, "broken", LEE), names(daemon, "", LEE)), ([250], ["broken", "for_both"]),
        "a_broken_script_keeps_the_message")
    like(daemon.wait_for(r"script has an error", before), r"line=2 cause=\"unknown command",
         "the_log_has_the_error_and_its_line")
    with open(script_of(daemon, LEE) + ".log", encoding="utf-8") as file:
        ok("line 2: unknown command 'nonsense'" in file.read(), "the_owner_finds_a_note_about_the_error")
    explained = ctl(daemon, "explain", LEE).stdout
    ok(re.search(rf"^script +{re.escape(script_of(daemon, LEE))} \(runs\)$", explained, re.M),
       "explain_shows_the_script")
    doctor = ctl(daemon, "doctor").stdout
    ok(re.search(r"warning +sieve: \S+/lee/\.dovecot\.sieve: line 2: unknown command", doctor),
       "doctor_finds_the_broken_script")
    totals = status(daemon)["totals"]
    ok(totals["script_runs"] > 10 and totals["script_steps"] > totals["script_runs"] and
       totals["script_errors"] == 2, "runs_steps_and_errors_are_counted")

    # Envelopes.
    write(script_of(daemon, LEE), 'require ["envelope", "fileinto", "mailbox", "subaddress"];\n'
          'if envelope :detail "to" "work" { fileinto :create "Work"; }\n')
    work = "lee+work@example.org"
    is_(code(daemon, "addresses", LEE, work), [250, 250], "two_addresses_of_one_mailbox_are_served")
    is_((names(daemon, "", LEE).count("addresses"), names(daemon, "Work", LEE)), (1, ["addresses"]),
        "the_script_runs_with_the_envelope_of_each_address_F29")
    is_(code(daemon, "same", LEE, "lee+other@example.org"), [250, 250],
        "two_addresses_with_the_same_actions_are_served")
    is_(names(daemon, "", LEE).count("same"), 1, "two_addresses_with_the_same_actions_share_one_copy")

    # One outcome.
    write(script_of(daemon, LEE), 'require ["fileinto", "mailbox"];\n'
          'fileinto :create "Good"; fileinto :create "Bad";\n')
    is_(code(daemon, "fine", LEE), [250], "two_copies_are_delivered")
    bad = os.path.join(daemon.mailbox_path(LEE), ".Bad", "new")
    os.rename(bad, bad + "-away")
    with open(bad, "w", encoding="ascii"):
        pass
    is_(code(daemon, "halves", LEE)[0] // 100, 4, "if_one_of_two_copies_fails_the_recipient_is_deferred")
    is_(names(daemon, "Good", LEE), ["fine"], "if_one_of_two_copies_fails_the_other_one_is_removed")
    os.unlink(bad)
    os.rename(bad + "-away", bad)
    is_(code(daemon, "halves", LEE), [250], "a_later_try_is_delivered")
    is_((names(daemon, "Good", LEE), names(daemon, "Bad", LEE)), (["fine", "halves"],) * 2, "after_a_later_try_each_copy_exists_once")

    # A script that cannot be read.
    os.unlink(script_of(daemon, LEE))
    os.mkdir(script_of(daemon, LEE))
    is_(code(daemon, "unreadable", LEE), [451], "a_script_that_cannot_be_read_defers_the_message_F30")
    os.rmdir(script_of(daemon, LEE))
    os.symlink("sieve/active.sieve", script_of(daemon, LEE))
    write(os.path.join(daemon.mailbox_path(LEE), "sieve", "active.sieve"), "discard;")
    is_((code(daemon, "linked", LEE), "linked" in names(daemon, "", LEE)), ([250], False),
        "the_script_may_be_a_symbolic_link_as_managesieve_makes_it")

    # The filter process.
    def filter_process():
        return next(iter(titled(descendants(daemon.pid), "filter")), None)

    worker, = workers(daemon)
    write(script_of(daemon, LEE), "keep;")
    first = until(filter_process, "a filter process")
    os.kill(first, signal.SIGSTOP)
    is_(code(daemon, "stopped", PAT, LEE), [451, 250],
        "scripts_that_take_longer_than_sieve_timeout_defer_their_recipient_alone_F27")
    ok(until(lambda: filter_process() not in (None, first), "another filter process"),
       "another_filter_process_runs_those_of_the_next_recipient")
    is_((code(daemon, "stopped"), names(daemon, "").count("stopped")), ([250], 1),
        "and_of_the_next_message")
    second = until(filter_process, "a filter process")
    kill([second])
    is_((code(daemon, "killed"), names(daemon, "").count("killed")), ([250], 1),
        "one_that_has_died_is_replaced_before_the_next_script_runs")
    daemon.wait_for("filter process died .*signal 9")
    is_(workers(daemon), [worker], "and_the_worker_stays")
    last = until(filter_process, "a filter process")
    kill([*titled(children(daemon.pid), "filter starter"), last])
    is_(code(daemon, "starter"), [451], "without_a_starter_there_is_no_other_filter_process")
    daemon.wait_for("filter starter died .*signal 9")
    ok(until(lambda: workers(daemon) not in ([], [worker]), "another worker"), "so_the_worker_is_replaced")
    is_(code(daemon, "starter"), [250], "and_the_next_one_has_another_starter")

# Edited messages that are too large.
with Handoffd({**SIEVE, "session.max-message-size": "64K"}) as daemon:
    daemon.mailbox(PAT)
    write(script_of(daemon, PAT), """require ["editheader", "fileinto", "mailbox"];
addheader "X-1" "a"; fileinto :create "A"; addheader "X-2" "b"; fileinto :create "B"; addheader "X-3" "c";
fileinto :create "C"; addheader "X-4" "d"; fileinto :create "D"; addheader "X-5" "e"; fileinto :create "E";
addheader "X-6" "f"; fileinto :create "F"; fileinto "INBOX/F";
""")
    is_(code(daemon, "small"), [250], "edited_copies_are_delivered")
    is_([names(daemon, each) for each in "ABCDEF"], [["small"]] * 6,
        "one_to_each_folder_whatever_name_a_folder_is_given_F15")
    body = "x" * 70 + "\r\n"
    large = message("large") + (body * 850).encode()
    is_([each[:3] for each in send(daemon, large, PAT)], ["250"],
        "a_message_whose_edited_copies_are_too_large_in_sum_is_accepted_F4")
    is_([names(daemon, each) for each in ("", *"ABCDEF")], [["large"], *[["small"]] * 6],
        "and_kept_in_the_inbox")
    with open(folder(daemon, "")[0], "rb") as file:
        ok(b"X-1" not in file.read(), "unchanged")
    like(daemon.wait_for("script has an error"), "line=[2-4] cause=.*edited messages are too large",
         "the_log_says_so")

def tested(daemon, text, script=None):
    """Returns the actions that `handoffctl sieve test` plans with the server's configuration."""
    ran = subprocess.run([program("HANDOFFCTL"), "-c", daemon.path, "sieve", "test",
                          script or script_of(daemon, PAT), "--to", PAT], input=text,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60)
    return [re.sub(r" \(.*", "", line.strip())
            for line in ran.stdout.decode().partition("plan:\n")[2].splitlines()]


# Results of scanners.
with Handoffd({**SIEVE, "sieve.spamtest": "X-Spam-Score 10",
               "sieve.virustest": "X-Virus-Status Clean=1 Infected=5"}) as daemon:
    daemon.mailbox(PAT)
    write(script_of(daemon, PAT), """require ["spamtest", "virustest", "relational", "fileinto",
"comparator-i;ascii-numeric", "mailbox"];
if virustest :value "eq" :comparator "i;ascii-numeric" "5" { fileinto :create "Virus"; stop; }
if spamtest :value "ge" :comparator "i;ascii-numeric" "5" { fileinto :create "Junk"; stop; }
if spamtest :value "eq" :comparator "i;ascii-numeric" "0" { fileinto :create "Unknown"; stop; }
""")
    for name, field, where in (
            ("virus", "X-Virus-Status: Infected (Eicar)", "Virus"), ("spam", "X-Spam-Score: 6.1 / 15", "Junk"),
            ("ham", "X-Spam-Score: -1.2", ""), ("plain", "X-Other: 9", "Unknown")):
        is_([each[:3] for each in send(daemon, message(name, field), PAT)], ["250"], f"{name}_is_accepted")
        is_(names(daemon, where), [name], f"{name}_is_recognised")
        is_(tested(daemon, message(name, field)),
            [f'store in "{where}", which is created if necessary' if where else "keep"],
            f"sieve_test_recognises_{name}_F19")

# Scripts of the site.
with Handoffd(SIEVE, start=False) as daemon:
    site = os.path.join(daemon.scratch.path, "site")
    write(os.path.join(site, "before.sieve"),
          'require ["fileinto", "mailbox", "include"];\n'
          'if header :is "subject" "junk" { fileinto :create "Junk"; stop; }\n'
          'include :global "marks";\n')
    write(os.path.join(site, "marks.sieve"), 'require "imap4flags"; addflag "$Marked";')
    write(os.path.join(site, "default.sieve"), 'require ["fileinto", "mailbox"];'
          'if header :is "subject" "default" { fileinto :create "Default"; }')
    write(os.path.join(site, "after.sieve"), 'require ["fileinto", "mailbox"];'
          'if header :is "subject" ["after", "own"] { fileinto :create "After"; }')
    own = os.path.join(daemon.scratch.path, "own", "example.org", "pat.sieve")
    os.makedirs(os.path.dirname(own))
    daemon.write({f"sieve.{key}": os.path.join(site, f"{key}.sieve")
                  for key in ("before", "default", "after")} |
                 {"sieve.global-directory": site, "sieve.reject": "discard",
                  "sieve.script": os.path.join(daemon.scratch.path, "own", "%d", "%n.sieve")})
    daemon.start()
    daemon.mailbox(PAT)
    for name, where in (("junk", "Junk"), ("default", "Default"), ("after", "After"), ("rest", "")):
        is_((code(daemon, name), names(daemon, where)), ([250], [name]), f"site_scripts_apply_to_{name}")
        plan = f'store in "{where}", which is created if necessary' if where else "keep"
        is_(tested(daemon, message(name), os.path.join(site, "default.sieve")),
            [plan + ("" if name == "junk" else ", flags $Marked")],
            f"sieve_test_applies_them_to_{name}_F19")
    like(folder(daemon, "")[0], r":2,a$", "a_global_script_is_included")
    write(own, 'require ["fileinto", "reject"]; if header :is "subject" "own" { fileinto "Default"; }\n'
          'elsif header :is "subject" "no" { reject "no"; }')
    is_((code(daemon, "own"), "own" in names(daemon, "Default")), ([250], True),
        "the_script_after_does_not_run_for_a_message_that_was_filed")
    is_((code(daemon, "default"), names(daemon, "").count("default")), ([250], 1),
        "a_recipient_with_a_script_does_not_get_the_default_one")
    is_(send(daemon, message("no"), PAT), [f"250 2.0.0 <{PAT}> delivered"],
        "sieve_reject_discard_bounces_nothing")
    daemon.wait_for(r"discarded .*action=reject")
    is_(tested(daemon, message("no"), own), ['reject: "no"', "sieve.reject = discard: the message is discarded"],
        "sieve_test_says_so_F19")
    write(os.path.join(site, "after.sieve"), "nonsense;")
    reloaded = ctl(daemon, "reload")
    ok(reloaded.returncode != 0 and "sieve.after" in reloaded.stderr + reloaded.stdout,
       "a_reload_refuses_a_broken_script_of_the_site")
    os.unlink(os.path.join(site, "after.sieve"))
    is_(code(daemon, "gone"), [451], "a_script_of_the_site_that_is_missing_defers_mail")

# Mailboxes of other users.
if os.geteuid() == 0:
    owners = Owners()
    kim = owners.add("kim", 61005)
    with owners.handoffd(SIEVE) as daemon:
        own = os.path.join(kim.home, ".dovecot.sieve")
        write(own, 'require ["fileinto", "mailbox", "imap4flags", "include"];\n'
              'if header :is "subject" "two" { fileinto :create "A"; fileinto :create :flags "\\\\Seen" "B"; }\n'
              'elsif header :is "subject" "more" { include "more"; }\n', (kim.uid, kim.uid))
        os.chmod(own, 0o600)
        kim.make("sieve")
        write(os.path.join(kim.home, "sieve", "more.sieve"), 'discard;', (kim.uid, kim.uid))
        os.chmod(os.path.join(kim.home, "sieve", "more.sieve"), 0o600)

        def in_home(name):
            return maildir.files(os.path.join(kim.maildir, "." + name))

        is_([code(daemon, each, kim.address) for each in ("two", "more", "rest")], [[250]] * 3,
            "a_script_that_only_its_owner_can_read_runs_F27")
        is_((len(in_home("A")), len(in_home("B")), len(kim.messages())), (1, 1, 1),
            "such_a_script_files_the_mail")
        is_(os.stat(in_home("B")[0]).st_uid, kim.uid, "the_copies_belong_to_the_owner")
        like(in_home("B")[0], r"/cur/.*:2,S$", "the_copies_of_the_owner_have_their_flags")
        os.chown(own, 0, 0)
        is_(code(daemon, "forbidden", kim.address), [451],
            "a_script_that_the_owner_cannot_read_is_not_read_by_root")
        os.unlink(own)
        write(own, "nonsense;", (kim.uid, kim.uid))
        is_((code(daemon, "broken", kim.address), len(kim.messages())), ([250], 2),
            "a_broken_script_of_another_user_keeps_the_message")
        is_(os.stat(own + ".log").st_uid, kim.uid, "the_note_belongs_to_the_owner")
done()
