"""Runs what a document of doc/ tells an administrator to type. In a root of its own (peer.enter).

    documents.install()                     # handoff, as README has it installed
    documents.follow("doc/postfix.md")      # each fenced sh block, in order; says which of them failed
    documents.follow("doc/postfix.md", section="Who may connect")

A fence `sh` is run by `sh -eu`, in the top folder of the source. Comments before a fence, and by
themselves, say what else is to be done, which a reader does not see:

    <!-- file: PATH -->       the fence is what stands in that file
    <!-- append: PATH -->     the fence is added to it
    <!-- same: FILE... -->    the fence says what these files of contrib/ say
    <!-- given: NAME -->      what the test makes of the fence is in `hooks`
    <!-- here: NAME -->       what else has come about by now is in `hooks`
    <!-- arrives: USER -->    since the block before, a message has come for that recipient

What README has for who builds handoff runs in tests of their own: ELSEWHERE.
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
# A line, the file that runs it, and the words it has for that.
ELSEWHERE = {
    "contrib/bootstrap && make run": ("t/e2e/t0005-make-run.t", r'"run", "ONCE=1"'),
    "contrib/bootstrap && make check": (".ci/run", r"contrib/bootstrap && make check"),
    "contrib/bootstrap && ./configure --sysconfdir=/etc && make && sudo make install":
        ("contrib/distcheck", r"(?s)configure.* --sysconfdir=/etc.*\n\$make\n.*\$make install"),
    "contrib/bootstrap && make deb && sudo apt install ./build/deb/handoff_*.deb":
        ("t/interop/t0290-debian.t", r'(?s)packaging\.deb\(.*"install", "handoff"'),
    "make dist && rpmbuild -tb handoff-*.tar.gz": ("t/lib/packaging.py", r'"rpmbuild", "-tb"'),
}
_PART = re.compile(r"^## (?P<section>[^\n]*)$|^<!-- (?P<verb>\w+): (?P<what>[^\n]*) -->$"
                   r"|^```(?P<language>\w*)\n(?P<block>.*?)^```$", re.M | re.S)


def text_of(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def install():
    """handoffd and handoffctl where README puts them, and a syslog."""
    for name in ("handoffd", "handoffctl"):
        link = f"/usr/local/sbin/{name}"
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink(program(name.upper()), link)
    os.environ["PATH"] = f"/usr/local/sbin:/usr/sbin:/sbin:{os.environ['PATH']}"
    # Where this build looks; README has it built to look in /etc.
    said = subprocess.run(["handoffd", "--help"], stdout=subprocess.PIPE, text=True, check=True)
    default = re.search(r"instead of (/\S+/handoffd\.conf)", said.stdout)[1]
    if default != "/etc/handoffd.conf":
        os.makedirs(os.path.dirname(default), exist_ok=True)
        os.symlink("/etc/handoffd.conf", default)
    return Syslog()


def parts(path, section=None, without=()):
    """Returns [(comments before the fence, language, block)]; a comment that stands by itself is
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
    """path: of the document, from the top of the source. hooks: {NAME: function}, which for `given`
    is called with the block. section: that part of it alone. without: all but those parts."""
    Reader(path, hooks or {}).read(parts(path, section, without))


class Reader:
    """Someone who does what a document says."""

    def __init__(self, path, hooks):
        self.path = path
        self.hooks = hooks
        self.before = {}    # mailbox: how many messages were in it before the last block
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
        # Where they belong in a configuration that has sections is the document's to say.
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
    """Waits until a mailbox of README's spool has so many messages more than `before` says."""
    box = box_of(user)
    try:
        until(lambda: len(maildir.files(box)) >= before.get(box, 0) + count,
              f"a message for {user}")
        return ok(True, f"{sentence}_arrives")
    except TimeoutError:
        return ok(False, f"{sentence}_arrives")


def unrun():
    """Returns what the documents have for a reader to type and no test runs: code that is indented,
    or is called something else, and what ELSEWHERE says of a file without ground."""
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
