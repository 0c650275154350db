#!/usr/bin/env python3
"""handoff-log(5) lists exactly the messages of the log, with their fields, and handoff-metrics(5)
lists exactly the metrics."""

import itertools
import re

import lint

CALL = re.compile(r"\blog_?(?:->|\.)(error|warning|info|debug|write)\(")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
# If a call logs a variable, the same file has its message: as an argument of one of these
# functions, or of the constructor of the class that logs it.
THROUGH = re.compile(r'\b(?:failed|fail|cannot|report|refuse_recipient)\([^";{]*"([^"]*)"')
MEMBERS = re.compile(r"\bcommands?_\(\s*log,\s*\{([^}]*)\}")


def first_argument(text, at):
    """Returns the argument that begins at `at`, up to its comma or closing parenthesis."""
    depth, end = 0, at
    while end < len(text):
        if text[end] == '"':
            end = STRING.match(text, end).end() - 1
        elif text[end] in "([{":
            depth += 1
        elif text[end] in ")]}":
            depth -= 1
        if depth < 0 or (depth == 0 and text[end] == ","):
            break
        end += 1
    return text[at:end]


# Fields that the same function adds only for another message.
NEVER = {"deferred": {"file", "size", "status"}, "refused": {"file", "size", "status"},
         "delivered": {"cause"}, "discarded": {"cause"}, "command refused": {"cause"}, "no room": {"cause", "to"},
         "authenticated": {"cause", "reply"}, "mailbox created": {"cause"}}
PAIR = re.compile(r'\{\s*"([a-z][\w.-]*)",')


def end_of(text, at):
    """Returns the position after the parenthesis that closes the one before `at`."""
    depth = 1
    while depth > 0:
        if text[at] == '"':
            at = STRING.match(text, at).end()
            continue
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return at


def fields_of(text, call):
    """Returns the fields that a call may log: those in the call, and those of a variable that it
    passes."""
    arguments = text[call.end():end_of(text, call.end())]
    # The function of the call begins with the last line that is neither indented nor a closing
    # brace.
    before = text[:call.start()]
    begin = max((match.start() for match in re.finditer(r"^[A-Za-z]", before, re.M)), default=0)
    function = before[begin:]
    found = set(PAIR.findall(arguments))
    if re.search(r"\bfields\b", arguments):
        found |= set(re.findall(r'\bfields\.emplace_back\("([\w.-]+)"', function))
        for made in re.finditer(r"\bFields fields\{", function):
            found |= set(PAIR.findall(function[made.start():function.index(";", made.start())]))
        arguments += function
    if "add_client_and_reply(" in arguments:
        found |= SHARED
    if "refusal_fields(" in arguments and call.string is text:
        found |= HELPER
    return found


def messages(text):
    """Returns the messages that a source file logs, with None for each call whose message is not
    found."""
    for call in CALL.finditer(text):
        argument = first_argument(text, call.end())
        if call[1] == "write":  # the level comes first
            argument = first_argument(text, call.end() + len(argument) + 1)
        literals = STRING.findall(argument)
        if not literals:
            literals = MEMBER_MESSAGES if "_." in argument else THROUGH.findall(text)
        # The fields of a member's messages come from the callers of its class.
        known = "_." not in argument
        for literal in literals or [None]:
            yield literal, fields_of(text, call) - NEVER.get(literal, set()) if known else None


sources = {name: lint.read(name) for name in lint.files()
           if re.fullmatch(r"src/.*\.(cc|hh)", name) and not name.startswith("src/sys/log.")}


def fields_added_by(function):
    """Returns the fields that are added by the function of this file that logs outcomes."""
    text = sources["src/worker/connection_log.cc"]
    text = text[text.index(function):]
    return set(re.findall(r'emplace_back\("([\w.-]+)"', text[:text.index("\n}\n")]))


SHARED = fields_added_by("void Connection::add_client_and_reply(")
HELPER = fields_added_by("sys::Fields Connection::refusal_fields(") | SHARED
MEMBER_MESSAGES = [message for text in sources.values() for found in MEMBERS.findall(text)
                   for message in STRING.findall(found)]
logged, unknown, fields = set(), [], {}
for name, text in sources.items():
    for message, its_fields in messages(text):
        if message is None:
            unknown.append(f"{name}: a message that this test does not find")
        else:
            logged.add(message)
            if its_fields is not None:
                fields.setdefault(message, set()).update(its_fields)
page = lint.read("man/handoff-log.5")
listed = re.findall(r"^\.It Li \"?(.*?)\"?$", page, re.M)
told = {}
for entry in re.split(r"^\.It Li ", page, flags=re.M)[1:]:
    name, *lines = entry.splitlines()
    said = lines[lines.index("Fields:") + 1:] if "Fields:" in lines else []
    names = itertools.takewhile(lambda line: line.startswith(".Va "), said)
    told[name.strip('"')] = {word for line in names for word in line.split()[1:]} - {",", "."}
metrics = {found for name, text in sources.items() if name.startswith(("src/master", "src/status"))
           for found in re.findall(r'"(handoff_\w+)"', text)}
shown = re.findall(r"^\.It Li (handoff_\w+)", lint.read("man/handoff-metrics.5"), re.M)

tap = lint.Tap()
tap.result("the messages of the log are constant", unknown)
tap.result("every message is in handoff-log(5)",
           [f"man/handoff-log.5 lacks: {message}" for message in sorted(logged - set(listed))])
tap.result("every message in handoff-log(5) is logged",
           [f"man/handoff-log.5: no source logs: {each}" for each in sorted(set(listed) - logged)])
tap.result("handoff-log(5) has the fields of each message",
           [f"man/handoff-log.5: {message}: {', '.join(sorted(wrong))} {what}"
            for message in sorted(set(told) & set(fields))
            for what, wrong in (("missing", fields[message] - told[message]),
                                ("never logged", told[message] - fields[message])) if wrong])
tap.result("handoff-log(5) has each message once",
           [f"man/handoff-log.5: twice: {each}" for each in sorted(set(listed))
            if listed.count(each) > 1])
tap.result("every metric is in handoff-metrics(5), once",
           [f"man/handoff-metrics.5: {each}" for each in sorted(metrics)
            if shown.count(each) != 1])
tap.result("every metric in handoff-metrics(5) exists",
           [f"man/handoff-metrics.5: no source has: {each}" for each in sorted(set(shown) - metrics)])
tap.done()
