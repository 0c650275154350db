#include "recipients/table.hh"

#include "base/text.hh"
#include "recipients/chain.hh"
#include "recipients/record.hh"
#include "recipients/table_map.hh"
#include "sys/memory.hh"
#include "sys/text_file.hh"

namespace handoff::recipients {

#ifdef HAVE_CDB
namespace {

using Octets = std::string_view;

Error fault(const std::string& path, std::size_t line, const std::string& what) {
  return explained(EINVAL, path + ":" + std::to_string(line) + ": " + what);
}

Octets take_word(Octets& line) {
  auto end = std::min(line.find_first_of(" \t"), line.size());
  auto word = line.substr(0, end);
  line = trim(line.substr(end));
  return word;
}

std::string text_of(const Address& address) { return address.local + "@" + address.domain; }

// Writes the records. A value is the number of its line, for error messages, then a space and the
// rest.
class Writer {
 public:
  explicit Writer(const TableFold& fold) : fold_(fold) {}

  Status write(sys::TextFile& file, const std::string& path, const sys::Fd& image);

 private:
  Status add(std::size_t number, Octets line);
  Status put(Octets key, Octets value);

  const TableFold& fold_;
  ::cdb_make making_{};
  std::size_t size_ = 0;
  bool knows_owners_ = false;
  bool has_hosts_ = false;
};

Status Writer::put(Octets key, Octets value) {
  if (::cdb_make_add(&making_, key.data(), static_cast<unsigned>(key.size()), value.data(),
                     static_cast<unsigned>(value.size())) == 0) {
    return {};
  }
  return Error{errno, "write the table", {}};
}

Status Writer::add(std::size_t number, Octets line) {
  auto word = take_word(line);
  auto name = parse_plain_address(word);
  if (name.local.empty() && name.domain.empty())
    return explained(EINVAL, "no address: " + std::string(word));
  // An entry for a whole domain has no local part to fold.
  Address key = fold_({name.local.empty() ? "x" : name.local, name.domain});
  if (name.local.empty()) key.local.clear();
  auto record = parse_record(line);
  if (!record) return record.error();
  knows_owners_ = knows_owners_ || record.value().since;
  has_hosts_ = has_hosts_ || !record.value().host.empty();
  std::string value = std::to_string(number) + " ";
  if (record.value().alias.empty()) {
    value += line;
  } else {
    auto other = parse_plain_address(record.value().alias);
    if (other.local.empty()) return explained(EINVAL, "-> needs an address, not a domain");
    if (other.domain.empty()) other.domain = key.domain;
    value += "-> " + text_of(fold_(other));
  }
  ++size_;
  return put(text_of(key), value);
}

Status Writer::write(sys::TextFile& file, const std::string& path, const sys::Fd& image) {
  if (::cdb_make_start(&making_, image.get()) != 0) return Error{errno, "begin the table", path};
  Status status;
  std::string line;
  for (std::size_t number = 1; status && file.next(line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    auto text = trim(line);
    if (text.empty() || text.starts_with('#')) continue;
    if (auto added = add(number, text); !added) {
      status =
          added.error().code == EINVAL ? fault(path, number, added.error().what) : added.error();
    }
  }
  // If only a part of the table were used, all other recipients would be refused.
  if (status) status = file.status();
  if (status) {
    status = put(kTableSummary,
                 std::to_string(size_) + (knows_owners_ ? " 1" : " 0") + (has_hosts_ ? "1" : "0"));
  }
  if (::cdb_make_finish(&making_) != 0 && status) status = Error{errno, "end the table", path};
  return status;
}

// Checks what depends on several lines: addresses with two lines, and cycles of aliases.
class Whole {
 public:
  explicit Whole(const std::string& path) : path_(path) {}

  Status check(const sys::Fd& image) {
    if (auto opened = map_.open(image); !opened) return opened;
    map_.walk([this](Octets key, Octets value) {
      if (key != kTableSummary) check(key, value);
      return status_.ok();
    });
    return status_;
  }

 private:
  void check(Octets key, Octets value);
  Octets next_alias(Octets key) const;

  TableMap map_;
  const std::string& path_;
  Status status_;
};

// Returns the target of an alias; empty if the value is not an alias.
Octets alias_in(Octets value) {
  auto fields = value.substr(value.find(' ') + 1);
  return fields.starts_with("-> ") ? fields.substr(3) : Octets();
}

Octets Whole::next_alias(Octets key) const {
  auto value = map_.find(key);
  if (!value) value = map_.find(key.substr(key.rfind('@')));
  return value ? alias_in(*value) : Octets();
}

void Whole::check(Octets key, Octets value) {
  auto number = parse_number(value.substr(0, value.find(' '))).value_or(0);
  auto first = map_.find(key);
  if (first && first->data() != value.data()) {
    status_ = fault(path_, number,
                    std::string(key) + " is already in line " +
                        std::string(first->substr(0, first->find(' '))));
    return;
  }
  auto at = alias_in(value);
  for (int aliases = 0; !at.empty(); at = next_alias(at)) {
    if (++aliases > Chain::kMostAliases) {
      status_ = fault(path_, number, std::string(key) + ": aliases form a cycle");
      return;
    }
  }
}

}  // namespace

Status write_table(const std::string& path, const TableFold& fold, const sys::Fd& image) {
  auto file = sys::TextFile::open(path);
  if (!file) return file.error();
  if (auto done = Writer(fold).write(file.value(), path, image); !done) return done;
  // From now on no process can change it.
  if (auto sealed = sys::seal(image); !sealed) return sealed;
  return Whole(path).check(image);
}

#else

Status write_table(const std::string& path, const TableFold&, const sys::Fd&) {
  return explained(ENOTSUP, "this handoffd was built without tinycdb", path);
}

#endif

}  // namespace handoff::recipients
