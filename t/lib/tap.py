"""Writes test results as TAP, the Test Anything Protocol, which `prove` reads.

    from tap import ok, is_, done, skip_all
    is_(reply.code, 503, 'data_without_rcpt_gets_503')
    done()                       # the last line of every test

A test that dies before done() has printed no plan, which prove counts as a failure.
"""
import atexit
import os
import sys

_count = 0
_failed = 0
_owner = os.getpid()
_done = False


def ok(passed, sentence):
    """Reports whether a sentence is true; returns that as a bool."""
    global _count, _failed
    _count += 1
    if not passed:
        _failed += 1
    _say(f"{'ok' if passed else 'not ok'} {_count} - {sentence}")
    return bool(passed)


def is_(got, want, sentence):
    """Reports the sentence as true if got == want; otherwise also prints both."""
    if not ok(got == want, sentence):
        diag(f"  got: {_short(got)}")
        diag(f" want: {_short(want)}")
        return False
    return True


def empty(things, sentence):
    """Reports the sentence as true if `things` is empty; otherwise also prints the first few of
    them."""
    things = list(things)
    if not ok(not things, sentence):
        for thing in things[:10]:
            diag(f"  {_short(thing)}")
        if len(things) > 10:
            diag(f"  and {len(things) - 10} more")
        return False
    return True


def skip(reason):
    """Reports that the next part of this test is impossible here."""
    global _count
    _count += 1
    _say(f"ok {_count} # SKIP {reason}")


def diag(text):
    """Prints information that helps to understand a failure."""
    for line in str(text).splitlines():
        print(f"# {line}", file=sys.stderr, flush=True)


def skip_all(reason):
    """Ends the test because it is impossible here."""
    global _done
    _done = True
    _say(f"1..0 # SKIP {reason}")
    sys.exit(0)


def bail_out(reason):
    """Ends the whole run of prove because no test is possible here."""
    global _done
    _done = True
    _say(f"Bail out!  {reason}")
    sys.exit(1)


def done():
    """Prints the plan and ends the test."""
    global _done
    _done = True
    _say(f"1..{_count}")
    sys.exit(1 if _failed else 0)


def _say(line):
    print(line, flush=True)


def _short(value, limit=300):
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


@atexit.register
def _without_plan():
    if not _done and os.getpid() == _owner:
        diag("the test ended before it was done")
