#!/usr/bin/env python3
"""contrib/html (`make html`): every manual page and guide has a page, every internal link leads
somewhere, and Chromium shows the pages on a phone and on a desktop without a horizontal scroll bar.

The screenshots are kept in the folder $HANDOFF_SCREENSHOTS."""
import html.parser
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from mta import TOP
from scratch import Scratch
from tap import done, empty, is_, ok, skip_all

for tool in ("mandoc", "cmark-gfm"):
    if not shutil.which(tool):
        skip_all(f"no {tool} (contrib/bootstrap --tests)")
CHROMIUM = os.path.join(peer.folder("chromium"), "usr", "lib", "chromium", "chromium")
scratch = Scratch()
out = os.path.join(scratch.path, "html")


class Page(html.parser.HTMLParser):
    """The links and anchors of a page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = [], set()
        with open(path, encoding="utf-8") as file:
            self.feed(file.read())

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("href", "src"):
                self.links.append(value)
            elif name == "id":
                self.anchors.add(value)


def browse(*arguments):
    environment = peer.environment("chromium")
    environment["HOME"] = scratch.path
    return subprocess.run(
        [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--no-first-run", "--allow-file-access-from-files",
         f"--user-data-dir={scratch.path}/profile", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, timeout=120, check=False)


def listed(folder, suffix):
    return [f"{folder}/{name}" for name in os.listdir(os.path.join(TOP, folder))
            if re.search(suffix, name)]


run = subprocess.run([f"{TOP}/contrib/html", out], stdout=subprocess.PIPE, text=True, check=False)
is_((run.returncode, run.stdout), (0, f"{out}/index.html\n"), "make_html_writes_the_pages")
pages = {os.path.relpath(os.path.join(where, name), out): Page(os.path.join(where, name))
         for where, _, names in os.walk(out) for name in names if name.endswith(".html")}
wanted = {f"{path}.html" for path in listed("man", r"\.[1-9]$")}
wanted |= {f"{path[:-3]}.html" for path in listed("doc", r"\.md$")}
empty(sorted(wanted - {*pages}), "every_manual_page_and_guide_has_a_page")
empty(sorted(wanted - {*pages["index.html"].links}), "the_index_has_every_manual_page_and_guide")
broken = []
for path, page in pages.items():
    for link in page.links:
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
        if not os.path.isfile(os.path.join(out, file)) or \
                (anchor and file in pages and anchor not in pages[file].anchors):
            broken.append(f"{path}: {link}")
empty(broken, "every_link_leads_somewhere")

shots = os.environ.get("HANDOFF_SCREENSHOTS") or scratch.path
# Loads pages into frames of these widths and reports whether a page is wider than its frame.
PROBE = """<!DOCTYPE html><body><script>
for (const [page, width] of {pairs}) {{
  const frame = document.createElement("iframe");
  frame.style.width = width + "px"; frame.src = "html/" + page;
  frame.onload = () => {{
    const wide = frame.contentDocument.documentElement.scrollWidth;
    document.body.append(`[${{page}} ${{width}} ${{wide > width ? "overflows" : "fits"}}]`);
  }};
  document.body.append(frame);
}}
</script></body>"""
looked = ["index.html", "README.html", "man/handoffd.8.html", "man/handoffd.conf.5.html",
          "doc/postfix.html", "doc/examples/sql/README.html"]
pairs = [[page, width] for page in looked for width in (390, 1280)]
probe = scratch.file("probe.html", PROBE.format(pairs=pairs))
said = browse("--virtual-time-budget=20000", "--dump-dom", f"file://{probe}").stdout.decode()
is_(sorted(re.findall(r"\[(\S+) (\d+) fits\]", said)), sorted((page, str(width)) for page, width in pairs),
    "no_page_is_wider_than_a_phone_or_a_desktop")
for page in looked:
    for name, width, height in (("phone", 390, 844), ("desktop", 1280, 900)):
        file = os.path.join(shots, f"{page.replace('/', '-')}-{name}.png")
        browse("--hide-scrollbars", f"--window-size={width},{height}", f"--screenshot={file}",
               f"file://{out}/{page}")
        ok(os.path.exists(file) and os.path.getsize(file) > 10000, f"chromium_shows_{page}_on_a_{name}")
done()
