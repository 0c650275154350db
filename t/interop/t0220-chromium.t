#!/usr/bin/env python3
"""The status page in headless Chromium, as wide as a phone and as a desktop.

The screenshots stay where $HANDOFF_SCREENSHOTS says, for somebody to look at."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
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


port = free_port()
with Handoffd({"http.listen": str(port)}) as daemon:
    daemon.mailbox(PAT)
    for _ in range(20):
        deliver(daemon.unix, "", [PAT], b"Subject: hello\r\n\r\nhello\r\n")
    away = daemon.mailbox("away@good.test")
    os.rmdir(away + "/new")
    with open(away + "/new", "wb"):
        pass  # no directory: a failure to show
    deliver(daemon.unix, "", ["away@good.test"], b"Subject: hello\r\n\r\nhello\r\n")
    with Lmtp(daemon.unix) as client:
        client.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
        shots = os.environ.get("HANDOFF_SCREENSHOTS") or daemon.scratch.path
        for name, width, height in (("phone", 390, 844), ("desktop", 1280, 900)):
            file = os.path.join(shots, f"status-{name}.png")
            browse(f"--window-size={width},{height}", f"--screenshot={file}",
                   f"http://127.0.0.1:{port}/")
            ok(os.path.exists(file) and os.path.getsize(file) > 10000,
               f"chromium_shows_the_page_as_wide_as_a_{name}")
        page = browse("--dump-dom", f"http://127.0.0.1:{port}/").stdout.decode()
        ok("handoff on handoff.test is" in re.sub(r"<[^>]*>", "", page),
           "it_says_how_it_is_without_scripts")
        is_(page.count("<section"), 7, "and_has_all_its_parts")
        ok("451 4.2.0" in page, "it_shows_the_failure")
    ok("good.test" not in page.replace("handoff.test", ""), "and_no_address_of_mail")

done()
