// The file of recipients.lookup = file:PATH, as a constant database in memory that every worker
// shares: the text is read once, before workers are forked, and a worker pays nothing.
//
//   # a comment
//   pat@example.org      mailbox=example.org/pat uid=1001 gid=1001 quota=1G
//   kim                                 (in recipients.default-domain; all by spool.layout)
//   sales@example.org -> pat@example.org
//   @example.net         folder=lists   (everybody else there)
//
// The database lies in a file without a name, its image: one process may make the image, fill it
// (which takes a second for a million lines, and waits for the disk) leave to a child, and then
// open the table that it holds, which costs nothing.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"
#include "recipients/table_text.hh"
#include "sys/fd.hh"

namespace handoff::recipients {

class Table {
 public:
  // Maps an image that write_table() has filled, in this process or another; EINVAL where none has.
  // The descriptor may be closed. `path` is what the errors name.
  static Result<std::shared_ptr<const Table>> open(const sys::Fd& image, const std::string& path);
  virtual ~Table() = default;

  // The fields of an address, or of a whole domain ("@example.org"), as written; nothing where it
  // has no line. The view lasts as long as the table.
  virtual std::optional<std::string_view> find(std::string_view key) const = 0;
  virtual std::size_t size() const = 0;  // lines
  // Whether a line says since when a mailbox has had its owner.
  virtual bool knows_owners() const = 0;
};

// Both by path.
using Tables = std::map<std::string, std::shared_ptr<const Table>>;
using TableImages = std::map<std::string, sys::Fd>;

// Of the tables that these values of recipients.lookup name: empty.
Result<TableImages> blank_images(const std::vector<std::string>& lookups);
// Reads the files, as whoever may; errors as write_table() has them. Once for each image.
Status fill_images(const TableImages& images, const TableFold& fold);
// Requires that they have been filled.
Result<Tables> open_tables(const TableImages& images);

// All three, one after the other.
Result<Tables> load_tables(const std::vector<std::string>& lookups, const TableFold& fold);

}  // namespace handoff::recipients
