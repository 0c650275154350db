"""A headless Chromium that a test drives through its debugging pipe.

    browser = Browser(program, environment, folder)     # folder: for its profile
    page = browser.open("http://127.0.0.1:8080/", 500, 400)
    page.run("window.scrollTo(0, 300)")                 # JavaScript; returns the value
    page.wait_for("Page.loadEventFired")                # the next event of that kind
    browser.close()
"""
import fcntl
import json
import os
import select
import subprocess
import time

DEADLINE = 60  # seconds
_ABOVE = 10  # descriptors that do not collide with those of the pipe, 3 and 4


class Browser:
    def __init__(self, program, environment, folder):
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        pair = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, _ABOVE) for each in (theirs_in, theirs_out)]

        def put_in_place():
            for place, each in enumerate(pair, 3):
                os.dup2(each, place)

        self._process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--remote-debugging-pipe", f"--user-data-dir={folder}/driven"],
            env={**environment, "HOME": folder}, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=put_in_place)
        for each in (theirs_in, theirs_out, *pair):
            os.close(each)
        self._in, self._out = ours_in, ours_out
        self._octets = b""
        self._last = 0
        self._events = []

    def call(self, method, session=None, **parameters):
        """Calls a method of the DevTools protocol; returns its result."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._last:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self._events.append(answer)

    def next_event(self, method, session):
        """Waits for an event that has not been returned yet; drops those before it."""
        while True:
            event = self._events.pop(0) if self._events else self._read()
            if (event.get("method"), event.get("sessionId")) == (method, session):
                return event

    def open(self, url, width, height):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(self, session, url, width, height)

    def close(self):
        os.close(self._out)
        os.close(self._in)
        self._process.terminate()
        self._process.wait(DEADLINE)

    def _read(self):
        end = time.monotonic() + DEADLINE
        while b"\0" not in self._octets:
            if not select.select([self._in], [], [], max(end - time.monotonic(), 0))[0]:
                raise TimeoutError("Chromium does not answer")
            octets = os.read(self._in, 1 << 16)
            if not octets:
                raise RuntimeError("Chromium has ended")
            self._octets += octets
        message, _, self._octets = self._octets.partition(b"\0")
        return json.loads(message)


class Page:
    """A page that Browser.open() has returned."""

    def __init__(self, browser, session, url, width, height):
        self._browser, self._session = browser, session
        self._call("Page.enable")
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                   deviceScaleFactor=1, mobile=False)
        self._call("Page.navigate", url=url)
        self.wait_for("Page.loadEventFired")

    def run(self, text):
        return self._call("Runtime.evaluate", expression=text, returnByValue=True)["result"].get("value")

    def wait_for(self, event):
        return self._browser.next_event(event, self._session)

    def _call(self, method, **parameters):
        return self._browser.call(method, self._session, **parameters)
