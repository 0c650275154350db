#!/usr/bin/env python3
"""The status page in headless Chromium, as wide as a phone and as a desktop, in light and in dark,
of a server that delivers and of one whose lookup is down.

The screenshots are kept in the folder $HANDOFF_SCREENSHOTS."""
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from browser import Browser
from control import ctl, status, until, workers
from handoffd import Handoffd, free_port
from lmtp import Lmtp, deliver
from tap import done, is_, ok

CHROMIUM = os.path.join(peer.folder("chromium"), "usr", "lib", "chromium", "chromium")
PAT = "pat@good.test"


def browse(*arguments):
    environment = peer.environment("chromium")
    environment["HOME"] = daemon.scratch.path
    return subprocess.run(
        [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--no-first-run", "--hide-scrollbars",
         f"--user-data-dir={daemon.scratch.path}/profile", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, timeout=120, check=False)


def take_pictures(of):
    shots = os.environ.get("HANDOFF_SCREENSHOTS") or daemon.scratch.path
    for name, width, height in (("phone", 500, 1600), ("desktop", 1280, 1000)):
        for light, scheme in (("dark", 0), ("light", 1)):
            file = os.path.join(shots, f"status-{of}-{name}-{light}.png")
            browse(f"--window-size={width},{height}", f"--screenshot={file}",
                   f"--blink-settings=preferredColorScheme={scheme}", f"http://127.0.0.1:{port}/")
            ok(os.path.exists(file) and os.path.getsize(file) > 10000,
               f"chromium_shows_the_page_of_a_{of}_server_on_a_{light}_{name}")


def text_of(page):
    return re.sub(r"<[^>]*>", "", page)


port = free_port()
with Handoffd({"http.listen": str(port)}) as daemon:
    daemon.mailbox(PAT)
    for _ in range(20):
        deliver(daemon.unix, "", [PAT], b"Subject: hello\r\n\r\nhello\r\n")
    away = daemon.mailbox("away@good.test")
    os.rmdir(away + "/new")
    with open(away + "/new", "wb"):
        pass  # a file in place of the directory, so that the page has a failure to show
    deliver(daemon.unix, "", ["away@good.test"], b"Subject: hello\r\n\r\nhello\r\n")
    with Lmtp(daemon.unix) as client:
        client.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
        take_pictures("serving")
        page = browse("--dump-dom", f"http://127.0.0.1:{port}/").stdout.decode()
        ok("handoff on handoff.test is" in text_of(page),
           "the_page_shows_the_condition_without_javascript")
        is_(page.count("<section"), 8, "the_page_has_all_its_sections")
        ok("451 4.2.0" in page and "Not a directory" in page, "the_page_shows_the_failure_and_its_cause")
    ok("good.test" not in page.replace("handoff.test", ""), "the_page_shows_no_mail_address")
    paused = browse("--dump-dom", f"http://127.0.0.1:{port}/paused").stdout.decode()
    ok("http-equiv=\"refresh\"" in page and "http-equiv" not in paused, "refreshing_can_be_paused")

    # --- The page reloads itself, and the reader keeps their place.
    browser = Browser(CHROMIUM, peer.environment("chromium"), daemon.scratch.path)
    shown = browser.open(f"http://127.0.0.1:{port}/", 500, 400)
    shown.run("document.documentElement.dataset.old = 'yes'; window.scrollTo(0, 700)")
    is_(shown.run("scrollY"), 700, "the_reader_scrolls_down")
    shown.wait_for("Page.loadEventFired")
    is_(shown.run("document.documentElement.dataset.old || 'new'"), "new", "the_page_loads_itself_again")
    ok(until(lambda: shown.run("scrollY") == 700, "the place"), "the_reader_keeps_the_place_when_the_page_loads_again")
    is_(shown.run("document.scripts.length"), 0, "without_scripts")
    browser.close()

    # --- An outage.
    daemon.write({"recipients.lookup": f"socketmap:unix:{daemon.scratch.path}/map.sock:users"})
    is_(ctl(daemon, "reload").returncode, 0, "a_reload_selects_a_lookup_that_is_down")
    for _ in range(60):
        deliver(daemon.unix, "", [PAT], b"Subject: hello\r\n\r\nhello\r\n")
    os.kill(workers(daemon)[0], signal.SIGKILL)
    daemon.wait_for("worker died")
    until(lambda: status(daemon)["state"] == "not delivering", "the outage is noticed")
    take_pictures("failing")
    page = browse("--dump-dom", f"http://127.0.0.1:{port}/").stdout.decode()
    ok("handoff on handoff.test is not delivering" in text_of(page), "the_page_says_that_nothing_is_delivered")
    ok("not delivering: lookup socketmap: connect unix:" in text_of(page), "the_page_says_why_nothing_is_delivered")

done()
