// A mapped constant database (tinycdb) of keys and values, in builds with tinycdb.
#pragma once

#ifdef HAVE_CDB
#include <cdb.h>

#include <cerrno>
#include <functional>
#include <optional>
#include <string_view>

#include "base/result.hh"
#include "sys/fd.hh"
#include "sys/memory.hh"

namespace handoff::recipients {

class TableMap {
 public:
  TableMap() = default;
  ~TableMap() {
    if (mapped_) ::cdb_free(&cdb_);
  }
  TableMap(const TableMap&) = delete;
  TableMap& operator=(const TableMap&) = delete;

  // Call once. The descriptor may be closed afterwards.
  Status open(const sys::Fd& file) {
    auto reader = sys::reopen_to_read(file);
    if (!reader) return reader.error();
    if (::cdb_init(&cdb_, reader.value().get()) != 0) return Error{errno, "map the table", {}};
    mapped_ = true;
    return {};
  }

  // Returns the first value of a key. The view is valid as long as the map.
  std::optional<std::string_view> find(std::string_view key) const {
    if (::cdb_find(&cdb_, key.data(), static_cast<unsigned>(key.size())) <= 0) return std::nullopt;
    return octets(cdb_datalen(&cdb_), cdb_datapos(&cdb_));
  }

  // Calls `each` with all keys and values, in the order in which they were written, until it
  // returns false.
  void walk(const std::function<bool(std::string_view key, std::string_view value)>& each) const {
    ::cdb all = cdb_;
    unsigned position = 0;
    cdb_seqinit(&position, &all);
    while (::cdb_seqnext(&position, &all) > 0) {
      if (!each(octets(cdb_keylen(&all), cdb_keypos(&all)),
                octets(cdb_datalen(&all), cdb_datapos(&all)))) {
        return;
      }
    }
  }

 private:
  std::string_view octets(unsigned length, unsigned position) const {
    const void* data = ::cdb_get(&cdb_, length, position);
    return data == nullptr ? std::string_view()
                           : std::string_view(static_cast<const char*>(data), length);
  }

  mutable ::cdb cdb_{};  // the library stores the position of its last result here
  bool mapped_ = false;
};

}  // namespace handoff::recipients
#endif
