"""Generates random Sieve scripts and messages; the same seed yields the same ones.

    script, message = generate(7)
"""
import random

FOLDERS = ["Junk", "Lists", "Work.Old", "Archive", "INBOX"]
OCTET = ':comparator "i;octet" '
COPIED = ["Lists", "Work.Old"]  # always with :copy
NAMES = ["Subject", "From", "To", "Cc", "X-Spam", "List-Id", "Received", "X-Missing", "Reply-To"]
ADDRESS_NAMES = ["From", "To", "Cc", "Reply-To", "Sender"]
WORDS = ["lunch", "Report", "urgent", "[List]", "free", "a*b", "Re:", "50%", "", "hello world", "PAT"]
ADDRESSES = ["pat@example.com", "Pat Smith <pat+work@Example.COM>", "lee@example.org", '"Lee, C" <lee@example.org>',
             "kim@example.net (Kim)", "team: a@x.example, b@y.example;", "no address", "<only@example.org>",
             "owner-list@lists.example", "=?utf-8?q?J=C3=BCrgen?= <j@example.de>"]
SUBJECTS = ["lunch at noon", "Re: Report 17", "URGENT: free money", "=?utf-8?q?Caf=C3=A9?= lunch", "[List] hello  world",
            "=?iso-8859-1?B?R3L8bmU=?= Wiese", "a*b?c", "", "50% off"]
COMPARATORS = ["", "", "", ':comparator "i;octet" ', ':comparator "i;ascii-casemap" ']
FLAGS = ["\\\\Seen", "\\\\Flagged", "$label1", "junk", "\\\\Deleted"]
DATES = ["Mon, 20 Jul 2009 21:44:43 +0300", "Fri, 1 Jan 2021 00:00:00 -0800", "nonsense", "29 Feb 2020 12:00:00 +0000"]
REQUIRE = ["fileinto", "copy", "envelope", "imap4flags", "variables", "relational", "subaddress", "body", "date",
           "comparator-i;ascii-numeric", "regex", "index", "editheader", "reject", "mailbox"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, choices):
        return self.random.choice(choices)

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def quoted(self, text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def strings(self, choices):
        if self.chance(70):
            return self.quoted(self.one(choices))
        return "[" + ", ".join(self.quoted(self.one(choices)) for _ in range(self.random.randrange(1, 4))) + "]"

    def keys(self, words):
        """Returns a match type, a comparator and the keys for them."""
        kind = self.one([":is", ":contains", ":matches", ":contains", ":matches", ":regex", ":count", ":value", ""])
        if kind == ":matches":
            patterns = ["*" + self.one(words) + "*", self.one(words) + "*", "*", "?" + self.one(words)[1:], "*@*", "*[*]*", "* *"]
            return ":matches " + self.one(COMPARATORS), self.strings(patterns)
        if kind == ":regex":
            return ":regex ", self.strings(["^[a-z]+", "lunch|report", "(a|b)+", "[0-9]{2}", "^$", "@example\\.(com|org)$", "e.*e"])
        if kind == ":count":
            return (f':count "{self.one(["gt", "ge", "lt", "le", "eq", "ne"])}" :comparator "i;ascii-numeric" ',
                    self.strings(["0", "1", "2"]))
        if kind == ":value":   # the order of other comparators differs (see handoff-sieve(7))
            relation, _ = self.one(["gt", "ge", "lt", "le", "eq", "ne"]), self.one(COMPARATORS)
            alphabetic = [word for word in words if word.isalpha()]
            return f':value "{relation}" {OCTET}', self.strings(alphabetic)
        return (kind + " " if kind else "") + self.one(COMPARATORS), self.strings(words)

    def test(self, depth=0):
        kind = self.one(["header"] * 4 + ["address"] * 3 + ["envelope", "exists", "size", "string", "hasflag", "body", "date",
                                                          "true", "false", "not", "anyof", "allof"])
        if kind in ("not", "anyof", "allof") and depth < 3:
            if kind == "not":
                return "not " + self.test(depth + 1)
            return f"{kind}(" + ", ".join(self.test(depth + 1) for _ in range(self.random.randrange(1, 4))) + ")"
        if kind == "header":
            how, keys = self.keys(WORDS + ["lunch at noon"])
            index = self.one(["", "", "", ":index 1 ", ":index 2 :last "])
            index = "" if ":count" in how else index   # with both, Pigeonhole counts nothing
            return f"header {index}{how}{self.strings(NAMES)} {keys}"
        if kind == "address":
            how, keys = self.keys(["pat@example.com", "example.com", "pat", "work", "lee", "EXAMPLE.ORG", "kim@example.net"])
            part = self.one(["", ":all ", ":localpart ", ":domain ", ":user ", ":detail "])
            part = "" if ":count" in how else part
            return f"address {part}{how}{self.strings(ADDRESS_NAMES)} {keys}"
        if kind == "envelope":
            how, keys = self.keys(["pat@example.com", "example.com", "pat", "lee"])
            return f'envelope {self.one(["", ":localpart ", ":domain "])}{how}{self.strings(["from", "to"])} {keys}'
        if kind == "exists":
            return f"exists {self.strings(NAMES)}"
        if kind == "size":
            return f"size {self.one([':over', ':under'])} {self.one(['1', '100', '300', '400', '1K', '2M'])}"
        if kind == "string":
            how, keys = self.keys(WORDS)
            return f"string {how}{self.strings(['${a}', '${b}', 'x${a}y', '${0}', '${1}', 'lunch', '${none}'])} {keys}"
        if kind == "hasflag":
            return f"hasflag {self.one([':is', ':contains', ''])} {self.strings(['seen', 'label', *FLAGS])}".replace("\\\\\\\\", "\\\\")
        if kind == "body":
            part = self.one([":text ", ":raw ", ':content "text" ', ':content "text/plain" '])
            return f"body {part}:contains {self.strings(['hello', 'Hello', 'caf', 'nothing', '<b>', '--b'])}"
        if kind == "date":
            part, keys = self.one([("year", ["2009", "2021", "2020"]), ("month", ["07", "01"]), ("weekday", ["1", "5"]),
                                   ("date", ["2009-07-20", "2020-02-29"]), ("hour", ["18", "21", "08"])])
            return f'date {self.one([":originalzone", chr(58) + "zone " + chr(34) + "+0000" + chr(34)])} "date" "{part}" {self.strings(keys)}'
        return self.one(["true", "false"])

    def action(self, depth):
        kind = self.one(["fileinto"] * 5 + ["keep", "keep", "redirect", "flag", "flag", "set", "set", "discard", "stop", "if",
                                           "add", "delete"])
        if kind == "fileinto":
            folder = self.one(FOLDERS)
            copy = ":copy " if folder in COPIED else ""
            flags = f":flags {self.flags()} " if self.chance(30) else ""
            return f'fileinto {copy}{flags}{self.quoted(folder)};'
        if kind == "keep":
            return f"keep{' :flags ' + self.flags() if self.chance(30) else ''};"
        if kind == "redirect":
            return self.one(['redirect "a@x.example";', 'redirect :copy "b@y.example";'])
        if kind == "flag":
            return f"{self.one(['setflag', 'addflag', 'removeflag'])} {self.flags()};"
        if kind == "set":
            modifier = self.one(["", "", ":lower ", ":upper ", ":length ", ":quotewildcard ", ":upperfirst :lower "])
            return f"set {modifier}{self.quoted(self.one(['a', 'b', 'A']))} {self.quoted(self.one(['${1}', '${0}', 'x${a}', 'lunch', 'Report', '']))};"
        if kind == "add":
            return f"addheader {self.one(['', ':last '])}{self.quoted(self.one(['X-Spam', 'X-New', 'Subject']))} {self.quoted(self.one(['yes', 'lunch', 'a b  c']))};"
        if kind == "delete":
            return f"deleteheader {self.one(['', ':index 1 ', ':index 1 :last '])}{self.quoted(self.one(['X-Spam', 'Subject', 'Cc']))};"
        if kind == "if" and depth < 3:
            return self.branch(depth + 1)
        return "discard;" if kind == "discard" else "stop;"

    def flags(self):
        return "[" + ", ".join('"' + self.one(FLAGS) + '"' for _ in range(self.random.randrange(1, 3))) + "]"

    def block(self, depth):
        return "{ " + " ".join(self.action(depth) for _ in range(self.random.randrange(1, 4))) + " }"

    def branch(self, depth):
        text = f"if {self.test()} {self.block(depth)}"
        while self.chance(30):
            text += f"\nelsif {self.test()} {self.block(depth)}"
        return text + (f"\nelse {self.block(depth)}" if self.chance(40) else "")

    def script(self):
        require = "require [" + ", ".join(f'"{name}"' for name in REQUIRE) + "];\n"
        return require + "\n".join(self.branch(0) for _ in range(self.random.randrange(1, 5))) + "\n"

    def message(self):
        lines = [f"Received: from a by b; {self.one(DATES)}", f"Date: {self.one(DATES)}", f"From: {self.one(ADDRESSES)}",
                 f"To: {self.one(ADDRESSES)}", f"Subject: {self.one(SUBJECTS)}"]
        for name, values in (("Cc", ADDRESSES), ("X-Spam", ["yes", "no"]), ("List-Id", ["<list.example>"]), ("X-Spam", ["maybe", "PAT"])):
            if self.chance(40):
                lines.insert(self.random.randrange(len(lines) + 1), f"{name}: {self.one(values)}")
        if self.chance(40):
            lines += ['MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary="b"', "", "prologue", "--b", "Content-Type: text/plain; charset=utf-8",
                      "Content-Transfer-Encoding: quoted-printable", "", "Hello caf=C3=A9.", "--b", "Content-Type: text/html", "",
                      "<p>hello <b>there</b></p>", "--b--"]
        else:
            lines += ["", self.one(["Hello.", "hello world\nlunch", ""])]
        return "\r\n".join("\n".join(lines).split("\n")) + "\r\n"


def generate(seed):
    generator = Generator(seed)
    return generator.script(), generator.message()
