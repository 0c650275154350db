// The file of recipients.lookup = file:PATH, as a constant database in memory that all workers
// share. The text is read once, before workers are forked.
//
//   # a comment
//   pat@example.org      mailbox=example.org/pat uid=1001 gid=1001 quota=1G
//   kim                                 (in recipients.default-domain; all by spool.layout)
//   sales@example.org -> pat@example.org
//   @example.net         folder=lists   (everybody else there)
//
// The database is stored in a file without a name, its image. A process can create the image, let a
// child fill it (which takes a second for a million lines and waits for the disk), and then open
// the table in it, which takes no time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hh"
#include "base/lookup_kind.hh"
#include "base/result.hh"
#include "sys/fd.hh"

namespace handoff::recipients {

class Table {
 public:
  // Maps an image that write_table() has filled, in this process or another; EINVAL if it was not
  // filled. The descriptor may be closed afterwards. `path` is used in errors.
  static Result<std::shared_ptr<const Table>> open(const sys::Fd& image, const std::string& path);
  virtual ~Table() = default;

  // Returns the fields of an address, or of a whole domain ("@example.org"), as written; nothing if
  // it has no line. The view is valid as long as the table.
  virtual std::optional<std::string_view> find(std::string_view key) const = 0;
  virtual std::size_t size() const = 0;  // lines
  // Returns whether any line says when a mailbox got its owner.
  virtual bool knows_owners() const = 0;
  // Returns whether any line names another host (host=).
  virtual bool has_hosts() const = 0;
  // Returns the file to pass to another process that opens the table.
  virtual const sys::Fd& image() const = 0;
};

// Folds an address in the file like that of a recipient.
using TableFold = std::function<Address(const Address&)>;

// The key of the summary, the only record that is not a line of the file. Its value is the number
// of lines, a space, and two digits, each 1 or 0: whether any line has `since=`, and whether any
// has `host=`. Keys of lines contain an @.
inline constexpr std::string_view kTableSummary = "";

// Fills `image`, an empty file, from the file at `path` and makes it immutable for all processes.
// EINVAL, with the line, if the file is malformed, if an address has two lines, or if aliases form
// a cycle; ENOTSUP in a build without tinycdb. Blocks while it reads.
Status write_table(const std::string& path, const TableFold& fold, const sys::Fd& image);

// Tables and images by path.
using Tables = std::map<std::string, std::shared_ptr<const Table>>;
// Returns whether a line of any table names another host.
bool name_hosts(const Tables& tables);
struct TableImage {
  LookupSetting setting;
  sys::Fd file;
};
using TableImages = std::map<std::string, TableImage>;

// Creates an empty image for each table that these lookups read.
Result<TableImages> blank_images(const std::vector<LookupSetting>& lookups);
// Reads the files with the caller's permissions. Fails like write_table(). Call once for each
// image.
Status fill_images(const TableImages& images, const TableFold& fold);
// Requires that the images were filled.
Result<Tables> open_tables(const TableImages& images);

// Calls all three functions.
Result<Tables> load_tables(const std::vector<LookupSetting>& lookups, const TableFold& fold);

}  // namespace handoff::recipients
