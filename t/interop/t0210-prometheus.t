#!/usr/bin/env python3
"""Prometheus' promtool finds nothing to say of the metrics."""
import http.client
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from handoffd import Handoffd, free_port
from lmtp import deliver
from tap import diag, done, is_, ok

PROMTOOL = os.path.join(peer.folder("promtool"), "usr", "bin", "promtool")
PAT = "pat@good.test"

port = free_port()
with Handoffd({"http.listen": f"127.0.0.1:{port}"}) as daemon:
    daemon.mailbox(PAT)
    deliver(daemon.unix, "", [PAT, "nobody@good.test"], b"Subject: hello\r\n\r\nhello\r\n")
    for accept in ("*/*", "application/openmetrics-text"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/metrics", headers={"Accept": accept})
        text = connection.getresponse().read()
        connection.close()
        if accept == "*/*":
            checked = subprocess.run([PROMTOOL, "check", "metrics"], input=text, check=False,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            is_((checked.returncode, checked.stdout), (0, b""), "promtool_check_metrics_is_silent")
        else:
            ok(text.endswith(b"# EOF\n"), "openmetrics_end_with_eof")

done()
