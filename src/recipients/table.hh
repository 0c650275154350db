// The file of recipients.lookup = file:PATH, as a constant database in memory that every worker
// shares: the master reads the text once, before it forks, and a worker pays nothing.
//
//   # a comment
//   pat@example.org      mailbox=example.org/pat uid=1001 gid=1001 quota=1G
//   kim                                 (in recipients.default-domain; all by spool.layout)
//   sales@example.org -> pat@example.org
//   @example.net         folder=lists   (everybody else there)
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hh"
#include "base/result.hh"

namespace handoff::recipients {

class Table {
 public:
  // Makes of an address in the file what it would be as a recipient.
  using Fold = std::function<Address(const Address&)>;

  // Reads the file at `path`, as whoever may. EINVAL, with the line, where one cannot be, where an
  // address has two, or where aliases lead in a circle; ENOTSUP in a build without tinycdb.
  static Result<std::shared_ptr<const Table>> load(const std::string& path, const Fold& fold);
  virtual ~Table() = default;

  // The fields of an address, or of a whole domain ("@example.org"), as written; nothing where it
  // has no line. The view lasts as long as the table.
  virtual std::optional<std::string_view> find(std::string_view key) const = 0;
  virtual std::size_t size() const = 0;  // lines
  // Whether a line says since when a mailbox has had its owner.
  virtual bool knows_owners() const = 0;
};

// By path.
using Tables = std::map<std::string, std::shared_ptr<const Table>>;

// Those that these values of recipients.lookup name.
Result<Tables> load_tables(const std::vector<std::string>& lookups, const Table::Fold& fold);

}  // namespace handoff::recipients
