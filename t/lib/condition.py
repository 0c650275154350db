"""The condition of a daemon as each report shows it to a person.

    told = Told(daemon, port)         # its http.listen
    told.doctor, told.healthz, told.state, told.headline, told.table, told.page, told.metrics
    is_(told.verdicts(), ("not delivering",) * 5, "all_say_so")
"""
import http.client
import re

from control import ctl, status


def get(port, path):
    """Returns the (status code, body) of a reply over HTTP."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body


class Told:
    """All reports are fetched when the object is created."""

    def __init__(self, daemon, port):
        self.doctor = ctl(daemon, "doctor")
        self.healthz = get(port, "/healthz")
        self.json = status(daemon)
        self.table = ctl(daemon, "status").stdout
        self.page = get(port, "/")[1]
        self.metrics = get(port, "/metrics")[1]
        self.headline = re.sub(r"<[^>]*>", "", re.search(r"<h1>.*?</h1>", self.page)[0])

    def headline_and_reasons(self):
        """Returns the page down to its first section, as text."""
        return re.sub(r"<[^>]*>", "", self.page[:self.page.index("<section")])

    def verdicts(self):
        """Returns the verdict of doctor, /healthz, status as JSON and as a table, metrics and
        page."""
        doctor = re.search(r"^(?:ok|PROBLEM) +server: (not delivering|degraded|serving)",
                           self.doctor.stdout, re.M)
        line = self.healthz[1].splitlines()[0]
        metric = re.search(r'^handoff_condition\{condition="([a-z ]+)"\} 1$', self.metrics, re.M)
        return ((doctor[1] if doctor else None), "serving" if line == "ok" else line.split(":")[0],
                self.json["state"], re.match(r"handoff .*?: ([a-z ]+),", self.table)[1], metric[1],
                self.headline.split(" is ")[1])
