#!/usr/bin/env python3
"""With recipients.lookup = passwd, if a service in nsswitch.conf(5) hangs for one recipient,
only that recipient is deferred, within recipients.lookup-timeout (R1)."""
import os
import pwd
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import shim
import tap
from control import until, workers
from handoffd import Handoffd, account
from lmtp import Lmtp
from processes import children
from scratch import Scratch
from tap import done, is_, ok

SHIM = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int getpwnam_r(const char* name, struct passwd* entry, char* buffer, size_t size,
               struct passwd** found) {
  while (strcmp(name, "stuck") == 0 && access(getenv("STUCK_WHILE"), F_OK) == 0) usleep(10000);
  if (strncmp(name, "odd", 3) == 0) return ENOENT;
  return ((int (*)(const char*, struct passwd*, char*, size_t, struct passwd**))dlsym(
      RTLD_NEXT, "getpwnam_r"))(name, entry, buffer, size, found);
}
'''

if why := shim.missing():
    tap.skip_all(why)
me = pwd.getpwnam(account()[0]) if account() else pwd.getpwuid(os.geteuid())
scratch = Scratch()
stuck = scratch.file("stuck", "")
environment = shim.preload(scratch.file("passwd_shim.c", SHIM), scratch, STUCK_WHILE=stuck)


with Handoffd({"recipients.lookup": "passwd", "recipients.lookup-timeout": "1s",
               "recipients.cache-ttl": "0s", "workers.min-idle": 1, "workers.max": 1},
              scratch=scratch, environment=environment) as daemon:
    worker, = workers(daemon)
    client = Lmtp(daemon.unix, timeout=20)
    client.session("LHLO client.test", "MAIL FROM:<>")
    is_(client.command(f"RCPT TO:<{me.pw_name}@good.test>").code, 250, "a_user_is_known")
    is_([client.command(f"RCPT TO:<{name}@good.test>").code
         for name in ("odd1", "odd2", "odd3", me.pw_name)], [451, 451, 451, 250],
        "a_failed_query_of_the_system_does_not_affect_the_next_R1")
    begun = time.monotonic()
    reply = client.command("RCPT TO:<stuck@good.test>")
    took = time.monotonic() - begun
    is_((reply.code, reply.enhanced), (451, "4.3.0"), "a_recipient_whose_query_hangs_is_deferred_R1")
    ok(took >= 1, "the_reply_comes_only_after_the_timeout")
    line = daemon.wait_for("lookup failed .*to=<stuck")
    ok("getpwnam" in line and "recipients.lookup-timeout" in line, "the_log_names_the_query_and_the_timeout")
    is_(client.command(f"RCPT TO:<{me.pw_name}@good.test>").code, 250, "after_a_timeout_the_next_recipient_is_found")
    ok(len(children(worker)) == 1, "no_hanging_process_is_left")
    os.unlink(stuck)
    until(lambda: client.command("RCPT TO:<stuck@good.test>").code == 550, "it is known again")
    is_(workers(daemon), [worker], "the_worker_has_survived")
    asker, = children(worker)
    client.close()
    is_(daemon.stop(), 0, "the_server_exits_with_0")
    until(lambda: not os.path.exists(f"/proc/{asker}"), "what asks ends with its worker")
    ok(True, "the_process_that_queries_users_ends_with_its_worker")

done()
