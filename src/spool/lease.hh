// Which host uses a spool on a filesystem that several hosts can use. There, locks vanish when the
// network is cut, and hosts do not see each other's memory maps and clocks. So the name of one
// directory shows which host has the spool:
//
//   SPOOL/.handoff/hosts/HOST.7            HOST has the spool, in the seventh generation
//   SPOOL/.handoff/hosts/-.7               nobody has it
//   SPOOL/.handoff/hosts/HOST.7/lease      a number that HOST increases every two seconds, and who
//                                          HOST is
//   SPOOL/.handoff/hosts/HOST.7/staging    the staging directory of all processes of HOST
//   SPOOL/.handoff/hosts/HOST.7/taken      messages of an earlier host, until they are dealt with
//
// There is always exactly one directory in hosts/, and it is only ever renamed. So of several hosts
// that want the spool, one wins. A host whose number has not changed for fifteen seconds, by the
// clock of the host that watches, has lost the spool. The new host renames the directory, moves the
// messages from its staging directory to taken/, and removes that staging directory. From then on
// the earlier host, which may only have been cut off, can publish nothing: a message gets its name
// in a mailbox by a rename from there (shared.hh). Then the new host deals with the messages in
// taken/ as those of a host that died (takeover.hh).
//
// On a full disk, the host that has the spool writes over its lease, which takes no space. Another
// host takes the spool only after it has written its own lease, in SPOOL/.handoff. So hosts without
// space do not take the spool from each other.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "base/result.hh"
#include "sys/clock.hh"
#include "sys/files.hh"
#include "sys/host.hh"

namespace handoff::spool {

// How often the number increases, and how long a host may fail to increase it before it loses the
// spool.
inline constexpr std::chrono::seconds kBeatEvery{2};
inline constexpr std::chrono::seconds kLost{15};

// A server on a host.
struct Server {
  sys::Host host;
  std::string cluster;  // cluster.name
  // Distinguishes it from other servers of the same host: server_id().
  std::string id;
};

// Returns the id of the servers that use this run directory (SpoolOptions::run); only one of them
// runs at a time. The file is created if it is missing, and opened as `file`.
Result<std::string> server_id(sys::Files& files, const sys::Fd& run, sys::Fd& file);

class Lease {
 public:
  struct Holder {
    std::string token;  // the name of the directory
    bool nobody = false;
    Server server;  // empty if it has not been written yet
    std::uint64_t beats = 0;

    std::string host() const;  // its name, even if `server` is empty
    bool is(const Server& other) const;
    bool is_on(const sys::Host& other) const;  // a server of this host, as the token says
  };

  // `own` is SPOOL/.handoff; both outlive the object. Creates hosts/ if it is missing. May block.
  static Result<Lease> open(sys::Files& files, const sys::Fd& own);

  Result<Holder> holder() const;
  // Takes the spool from `from` for `server`, and returns the number of messages that `from` had in
  // progress. ENOENT if another host was faster. After any other error, try again. May block, and
  // is slow if there are many messages.
  Result<std::size_t> take(const Holder& from, const Server& server);
  // Increases the number. kSpoolInUse: another host has taken the spool; this one has to stop. Any
  // other error: try again.
  Status beat();
  // Gives the spool up. Call this when no process of this host uses it.
  Status release();

  // The staging directory of the host with this token, below SPOOL/.handoff.
  static std::string staging_of(const std::string& token) { return "hosts/" + token + "/staging"; }

 private:
  Lease(sys::Files& files, const sys::Fd& own, sys::Fd hosts)
      : files_(&files), own_(&own), hosts_(std::move(hosts)) {}
  Status write(const sys::Fd& directory, const std::string& name);
  Status write(sys::Fd file);
  Status rename_directory(const Holder& from, const std::string& lease);
  Status fence(const sys::Fd& directory, const sys::Fd& taken);
  Status empty(const sys::Fd& staging, const sys::Fd& taken);
  Status beat_if_due();
  Status count_beat(Status written);

  sys::Files* files_;
  const sys::Fd* own_;
  sys::Fd hosts_;
  std::string token_;  // ours
  Server server_;
  std::uint64_t beats_ = 0;
  sys::Steady::time_point beat_when_;
};

}  // namespace handoff::spool
