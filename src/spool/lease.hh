// Which host uses a spool on a filesystem that several hosts can use. There, locks vanish when the
// network is cut, and hosts do not see each other's memory maps and clocks. So the name of one
// directory shows which host has the spool:
//
//   SPOOL/.handoff/hosts/HOST.7            HOST has the spool, in the seventh generation
//   SPOOL/.handoff/hosts/-.7               nobody has it
//   SPOOL/.handoff/hosts/HOST.7/lease      a number that HOST increases every two seconds, and who
//                                          HOST is
//   SPOOL/.handoff/hosts/HOST.7/staging    the staging directory of all processes of HOST
//
// There is always exactly one directory in hosts/, and it is only ever renamed. So of several hosts
// that want the spool, one wins. A host whose number has not changed for fifteen seconds, by the
// clock of the host that watches, has lost the spool. The new host renames the directory, records
// the messages in its staging directory as those of a host that died, and removes that staging
// directory. From then on the earlier host, which may only have been cut off, can publish nothing:
// a message gets its name in a mailbox by a rename from there (mailbox_writer.hh).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
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
  // Takes the spool from `from` for `server`. ENOENT if another host was faster. `record` is called
  // for each message that `from` has left in staging. May block, and is slow if there are many.
  using Record = std::function<Status(const std::string& name, std::uint64_t size)>;
  Status take(const Holder& from, const Server& server, const Record& record);
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
  Status write(const sys::Fd& directory);
  Status empty(const sys::Fd& directory, const Record& record);
  Status beat_if_due();

  sys::Files* files_;
  const sys::Fd* own_;
  sys::Fd hosts_;
  std::string token_;  // ours
  Server server_;
  std::uint64_t beats_ = 0;
  sys::Steady::time_point beat_when_;
};

}  // namespace handoff::spool
