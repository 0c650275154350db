#!/usr/bin/env python3
"""With recipients.lookup = passwd, if a service in nsswitch.conf(5) itself asks a server over TCP,
the confined worker and the confined delivery process can load its module and connect."""
import os
import shlex
import socketserver
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import mounts
import shim
from handoffd import Handoffd
from lmtp import deliver
from lookups import rcpt
from scratch import Scratch
from tap import done, is_, ok, skip_all

# This service asks a server on 127.0.0.1 for a user: it sends the name in a line, and the answer is
# "UID HOME" or nothing.
MODULE = r'''
#include <arpa/inet.h>
#include <errno.h>
#include <nss.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
enum nss_status _nss_handofftest_getpwnam_r(const char* name, struct passwd* out, char* buffer,
                                            size_t size, int* error) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  char answer[200] = "";
  *error = EIO;
  if (fd < 0 || connect(fd, (struct sockaddr*)&to, sizeof to) != 0 ||
      dprintf(fd, "%s\n", name) < 0 || read(fd, answer, sizeof answer - 1) < 0) {
    if (fd >= 0) close(fd);
    return NSS_STATUS_UNAVAIL;
  }
  close(fd);
  char* home = strchr(answer, ' ');
  *error = ENOENT;
  if (home == NULL) return NSS_STATUS_NOTFOUND;
  snprintf(buffer, size, "%s", name);
  char* at = buffer + strlen(buffer) + 1;
  home[strcspn(home, "\n")] = 0;
  strcpy(at, home + 1);
  *out = (struct passwd){.pw_name = buffer, .pw_passwd = "x", .pw_gecos = "", .pw_shell = "",
                         .pw_uid = (uid_t)atoi(answer), .pw_gid = (gid_t)atoi(answer), .pw_dir = at};
  return NSS_STATUS_SUCCESS;
}
'''
PAT, NOBODY = "handoffpat@good.test", "handoffnobody@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
UID = 62011

if why := shim.missing():
    skip_all(why)
if not mounts.private():
    skip_all("only root can have an nsswitch.conf of its own")
scratch = Scratch()
home = os.path.join(scratch.path, "home")
os.mkdir(home, 0o700)
os.chown(home, UID, UID)
os.chmod(scratch.path, 0o711)


class Directory(socketserver.StreamRequestHandler):
    asked = 0

    def handle(self):
        name = self.rfile.readline().strip()
        Directory.asked += 1
        if name == b"handoffpat":
            self.wfile.write(f"{UID} {home}\n".encode())


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True


with Server(("127.0.0.1", 0), Directory) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    mounts.tmpfs("/opt", "size=1m")
    source = scratch.file("module.c", MODULE)
    subprocess.run([*shlex.split(os.environ.get("CC", "cc")), "-shared", "-fPIC",
                    f"-DPORT={server.server_address[1]}", "-o", "/opt/libnss_handofftest.so.2",
                    source], check=True)
    nsswitch = scratch.file("nsswitch.conf", "passwd: files handofftest\ngroup: files\n")
    os.chmod(nsswitch, 0o644)
    subprocess.run(["mount", "--bind", nsswitch, "/etc/nsswitch.conf"], check=True)
    with Handoffd({"recipients.lookup": "passwd", "spool.layout": "%h/Maildir",
                   "recipients.cache-ttl": "0s", "recipients.lookup-timeout": "5s",
                   "log.level": "debug"},
                  scratch=scratch, environment={"LD_LIBRARY_PATH": "/opt"}) as daemon:
        is_(rcpt(daemon, PAT, NOBODY), [250, 550], "a_user_in_the_remote_directory_is_a_recipient")
        is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250, "a_user_in_the_remote_directory_gets_mail")
        is_([os.stat(path).st_uid for path in maildir.files(os.path.join(home, "Maildir"))], [UID],
            "the_message_belongs_to_that_user")
        ok(Directory.asked > 3, "the_remote_directory_was_queried")
        server.shutdown()
        server.server_close()
        is_(rcpt(daemon, PAT), 451, "if_the_remote_directory_is_down_the_recipient_is_deferred_R1")
    subprocess.run(["umount", "/etc/nsswitch.conf"], check=True)
    mounts.unmount("/opt")
done()
