"""Follows the documents in README.md and doc/ as an administrator would, in a peer's root (peer.enter).

    documents.install()                     # handoff as README installs it
    documents.follow("doc/postfix.md")      # runs each fenced sh block in order, and reports failures
    documents.follow("doc/postfix.md", section="Who may connect")

A fence `sh` is run by `sh -eu` in the top directory of the source. Comments, which a reader does not
see, say what else to do. The first four stand before a fence, the others alone:

    <!-- file: PATH -->       write the fence to that file
    <!-- append: PATH -->     append the fence to it
    <!-- same: FILE... -->    check that the fence equals these files of contrib/
    <!-- given: NAME -->      call hooks[NAME] with the text of the fence
    <!-- here: NAME -->       call hooks[NAME]
    <!-- arrives: USER -->    wait for a message that came for that recipient since the last block

Blocks that build or package handoff run in tests of their own: ELSEWHERE.
"""
import os
import re
import subprocess

import maildir
from handoffd import program
from mta import TOP, snippet, until
from syslogd import Syslog
from tap import diag, is_, ok

SPOOL = "/var/spool/handoff"
# A block of README: the file that runs it, and a pattern that shows that it does.
ELSEWHERE = {
    "contrib/bootstrap && make run": ("t/e2e/t0005-make-run.t", r'"run", "ONCE=1"'),
    "contrib/bootstrap && make && sudo make install-strip":
        ("contrib/container/Containerfile",
         r"contrib/bootstrap && make && make install-strip"),
    "contrib/bootstrap --packages && make deb && sudo apt install ./build/deb/handoff_*.deb":
        ("t/interop/t0290-debian.t", r'(?s)packaging\.deb\(.*"install", "handoff"'),
    "make dist && rpmbuild -tb handoff-*.tar.gz": ("t/lib/packaging.py", r'"rpmbuild", "-tb"'),
}
_PART = re.compile(r"^## (?P<section>[^\n]*)$|^<!-- (?P<verb>\w+): (?P<what>[^\n]*) -->$"
                   r"|^```(?P<language>\w*)\n(?P<block>.*?)^```$", re.M | re.S)


def text_of(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def install():
    """Installs handoffd and handoffctl where README does; returns a running syslog."""
    for name in ("handoffd", "handoffctl"):
        link = f"/usr/local/sbin/{name}"
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink(program(name.upper()), link)
    os.environ["PATH"] = f"/usr/local/sbin:/usr/sbin:/sbin:{os.environ['PATH']}"
    # The configuration file of this build, if configure was not run with its defaults.
    said = subprocess.run(["handoffd", "--help"], stdout=subprocess.PIPE, text=True, check=True)
    default = re.search(r"instead of (/\S+/handoffd\.conf)", said.stdout)[1]
    if default != "/etc/handoffd.conf":
        os.makedirs(os.path.dirname(default), exist_ok=True)
        os.symlink("/etc/handoffd.conf", default)
    return Syslog()


def parts(path, section=None, without=()):
    """Returns [(comments before the fence, language, block)]. A comment that stands alone is
    ([comment], None, None). A comment is (verb, what)."""
    found, comments, inside = [], [], None
    for match in _PART.finditer(text_of(path)):
        if match["section"]:
            inside = match["section"]
        if (section and inside != section) or inside in without:
            continue
        if match["verb"] in ("here", "arrives"):
            found.append(([(match["verb"], match["what"])], None, None))
        elif match["verb"]:
            comments.append((match["verb"], match["what"]))
        elif match["language"] is not None:
            found.append((comments, match["language"], match["block"]))
            comments = []
    return found


def follow(path, hooks=None, section=None, without=()):
    """path: relative to the top directory. hooks: {NAME: function}. section: follow only this
    section. without: skip these sections."""
    Reader(path, hooks or {}).read(parts(path, section, without))


class Reader:
    """Executes the parts of one document."""

    def __init__(self, path, hooks):
        self.path = path
        self.hooks = hooks
        self.before = {}    # {mailbox: number of messages before the last block}
        self.count = 0

    def read(self, document):
        for comments, language, block in document:
            for verb, what in comments:
                getattr(self, f"_{verb}")(what, block)
            if language == "sh" and block.strip().partition("     #")[0] not in ELSEWHERE:
                self._run(block)

    def _run(self, block):
        self.count += 1
        self.before = {box: len(maildir.files(box)) for box in _mailboxes()}
        run = subprocess.run(["sh", "-eux", "-c", block], cwd=TOP, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                             timeout=120)
        if not ok(run.returncode == 0,
                  f"{self.path}_block_{self.count}_works: {block.splitlines()[0]}"):
            diag(run.stdout.decode("utf-8", "replace")[-3000:])

    def _file(self, path, block, mode="w"):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, mode, encoding="utf-8") as file:
            file.write(block)

    def _append(self, path, block):
        self._file(path, block, "a")

    def _same(self, names, block):
        # The document, not the snippet, names the section in which the lines belong.
        said = [line for line in block.splitlines() if line and not line.startswith("begin ")]
        is_(said, [line for name in names.split() for line in snippet(name).splitlines() if line],
            f"{self.path}_says_what_{names.replace(' ', '_and_')}_of_contrib_says")

    def _given(self, name, block):
        self.hooks[name](block)

    def _here(self, name, _):
        self.hooks[name]()

    def _arrives(self, user, _):
        arrives(user, self.before, f"{self.path}_block_{self.count}")


def _mailboxes():
    return [os.path.join(SPOOL, domain, user)
            for domain in (os.listdir(SPOOL) if os.path.isdir(SPOOL) else ())
            if not domain.startswith(".")
            for user in os.listdir(os.path.join(SPOOL, domain))]


def box_of(user):
    name, _, domain = user.partition("@")
    return os.path.join(SPOOL, domain, name)


def arrives(user, before, sentence, count=1):
    """Waits until a mailbox of README's spool has `count` messages more than `before` says."""
    box = box_of(user)
    try:
        until(lambda: len(maildir.files(box)) >= before.get(box, 0) + count,
              f"a message for {user}")
        return ok(True, f"{sentence}_arrives")
    except TimeoutError:
        return ok(False, f"{sentence}_arrives")


def unrun():
    """Returns commands in the documents that no test runs: indented code, commands in a fence that
    is not `sh`, and entries of ELSEWHERE whose pattern does not match."""
    found = [f"{path}: no {words}" for path, words in ELSEWHERE.values()
             if not re.search(words, text_of(path))]
    documents = ["README.md", *sorted(f"doc/{name}" for name in os.listdir(os.path.join(TOP, "doc"))
                                      if name.endswith(".md"))]
    for path in documents:
        text = text_of(path)
        bare = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
        found += [f"{path}: {line}" for line in bare.splitlines() if line.startswith("    ")]
        found += [f"{path}: {block}" for _, language, block in parts(path)
                  if language == "text" and re.match(r"[#$] |sudo ", block)]
    return found
