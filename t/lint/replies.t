#!/usr/bin/env python3
"""handoffd(8) lists exactly the replies of src/lmtp/, with code, status and text."""

import re

import lint

SOURCES = ("src/lmtp/replies.hh", "src/lmtp/failure.cc")
STRINGS = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
PHRASE = re.compile(r'Phrase \w+\{\s*(\d+), "([^"]*)",\s*' + STRINGS + r'(?:,\s*"(\w+)")?\}'  # a named phrase
                    r"|\{\w+, \{(\d+), \"([^\"]*)\",\s*" + STRINGS + r',\s*"(\w+)"\}\}')  # a row of the table
ROW = re.compile(r'^\.It (\d{3})(?: (\d\.\d+\.\d+))?\n\.Ql "(.*)"(?: :)?$', re.M)


def said():
    """Returns the text in the sources in the form of the manual, with `...` for variable parts."""
    for source in SOURCES:
        text = lint.read(source)
        found = 0
        for match in PHRASE.finditer(text):
            code, status, strings, reason = match.groups()[:4] if match[1] else match.groups()[4:]
            words = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', strings))
            words = re.sub(r"\$\d", "...", words).replace("\\n", " ")
            found += 1
            if code[0] in "45" and reason:
                reasons.add((code, reason))
            yield f"{code} {status} {words}"
        # This finds a phrase whose form the pattern does not match.
        expected = len(re.findall(r"\bPhrase k\w+\{|^\s*\{E\w+, \{", text, re.M))
        if found != expected:
            yield f"{source}: {expected} replies, of which this test understands {found}"


reasons = set()
in_source = set(said())
counted = set(re.findall(r'Refusal\{At::\w+, (\d+), "(\w+)"\}', lint.read("src/board/measures.hh")))
page = lint.read("man/handoffd.8")
rows = [f"{code} {status} {text}" for code, status, text in ROW.findall(page)]

tap = lint.Tap()
tap.result("every reply is in handoffd(8)",
           [f"man/handoffd.8 lacks: {reply}" for reply in sorted(in_source - set(rows))])
tap.result("every reply in handoffd(8) is in the sources",
           [f"man/handoffd.8: nobody says: {reply}" for reply in sorted(set(rows) - in_source)])
tap.result("handoffd(8) has each reply once",
           [f"man/handoffd.8: twice: {reply}" for reply in sorted(set(rows))
            if rows.count(reply) > 1])
tap.result("refusals are counted by each code and reason",
           [f"src/board/measures.hh: no row for {' '.join(each)}"
            for each in sorted(reasons - counted)])
codes = [int(row[:3]) for row in rows]
tap.result("the replies in handoffd(8) are in the order of their codes",
           [] if codes == sorted(codes) else ["man/handoffd.8: the table is out of order"])
tap.result("handoffd(8) has a row for each .It of the table",
           [] if len(rows) == len(re.findall(r"^\.It [2-5]\d\d\b", page, re.M))
           else ["man/handoffd.8: an .It without its .Ql \"text\""])
tap.done()
