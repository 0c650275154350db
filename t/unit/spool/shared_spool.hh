// A spool on a filesystem that several hosts can use.
#pragma once

#include <memory>

#include "delivery.hh"
#include "spool/lease.hh"

// Returns this host's server with this run directory, as a Spool sees it.
inline handoff::spool::Server server_in(Delivery& delivery, const TemporaryDirectory& run) {
  auto directory = delivery.files.open_root(run.path()).value();
  handoff::sys::Fd file;
  return {handoff::sys::this_host(), "",
          handoff::spool::server_id(delivery.files, directory, file).value()};
}

inline handoff::Result<std::unique_ptr<handoff::spool::Spool>> open_spool(
    Delivery& delivery, const TemporaryDirectory& run, bool visit = false) {
  return handoff::spool::Spool::open(
      delivery.files,
      {.path = delivery.place.path(), .host = "host", .run = run.path(), .visit = visit});
}

// Takes the spool for that server, from whatever host has it, and opens it.
inline std::unique_ptr<handoff::spool::Spool> take_spool(Delivery& delivery,
                                                         const TemporaryDirectory& run) {
  delivery.files.shared = true;
  delivery.place.make(".handoff");
  auto root = delivery.files.open_root(delivery.place.path()).value();
  auto own = delivery.files.open_directory(root, ".handoff").value();
  auto lease = handoff::spool::Lease::open(delivery.files, own).value();
  BOOST_REQUIRE(lease.take(lease.holder().value(), server_in(delivery, run)).ok());
  return open_spool(delivery, run).value();
}
