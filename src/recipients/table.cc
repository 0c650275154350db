#include "recipients/table.hh"

#include <fstream>

#include "base/text.hh"
#include "recipients/chain.hh"
#include "recipients/record.hh"
#include "sys/memory.hh"

#ifdef HAVE_CDB
#include <cdb.h>
#endif

namespace handoff::recipients {

#ifdef HAVE_CDB
namespace {

using Octets = std::string_view;

Error fault(const std::string& path, std::size_t line, const std::string& what) {
  return {EINVAL, path + ":" + std::to_string(line) + ": " + what, {}};
}

// A key's value: the number of its line, for what is said of it later, then a blank and the rest.
class CdbTable final : public Table {
 public:
  explicit CdbTable(sys::Fd file) : file_(std::move(file)) {}
  ~CdbTable() override {
    if (mapped_) ::cdb_free(&cdb_);
  }
  CdbTable(const CdbTable&) = delete;
  CdbTable& operator=(const CdbTable&) = delete;

  Status read(std::istream& in, const std::string& path, const Fold& fold);
  std::optional<Octets> find(Octets key) const override {
    auto value = value_of(key);
    if (!value) return std::nullopt;
    return value->substr(value->find(' ') + 1);
  }
  std::size_t size() const override { return size_; }
  bool knows_owners() const override { return knows_owners_; }

 private:
  Status add(::cdb_make& making, std::size_t number, Octets line, const Fold& fold);
  Status check(const std::string& path) const;
  std::string next_alias(Octets key) const;

  std::optional<Octets> value_of(Octets key) const {
    auto length = static_cast<unsigned>(key.size());
    if (::cdb_find(&cdb_, key.data(), length) <= 0) return std::nullopt;
    return octets(cdb_datalen(&cdb_), cdb_datapos(&cdb_));
  }
  Octets octets(unsigned length, unsigned position) const {
    const void* data = ::cdb_get(&cdb_, length, position);
    return data == nullptr ? Octets() : Octets(static_cast<const char*>(data), length);
  }

  sys::Fd file_;
  mutable ::cdb cdb_{};  // the library notes there where it found what it was asked for last
  bool mapped_ = false;
  std::size_t size_ = 0;
  bool knows_owners_ = false;
};

Octets take_word(Octets& line) {
  auto end = std::min(line.find_first_of(" \t"), line.size());
  auto word = line.substr(0, end);
  line = trim(line.substr(end));
  return word;
}

std::string text_of(const Address& address) { return address.local + "@" + address.domain; }

Status CdbTable::add(::cdb_make& making, std::size_t number, Octets line, const Fold& fold) {
  auto word = take_word(line);
  auto name = parse_plain_address(word);
  if (name.local.empty() && name.domain.empty())
    return Error{EINVAL, "no address: " + escape(word), {}};
  // What stands for a whole domain has no local part to fold.
  Address key = fold({name.local.empty() ? "x" : name.local, name.domain});
  if (name.local.empty()) key.local.clear();
  auto record = parse_record(line);
  if (!record) return record.error();
  knows_owners_ = knows_owners_ || record.value().since;
  std::string value = std::to_string(number) + " ";
  if (record.value().alias.empty()) {
    value += line;
  } else {
    auto other = parse_plain_address(record.value().alias);
    if (other.local.empty()) return Error{EINVAL, "-> needs an address, not a domain", {}};
    if (other.domain.empty()) other.domain = key.domain;
    value += "-> " + text_of(fold(other));
  }
  auto text = text_of(key);
  if (::cdb_make_add(&making, text.data(), static_cast<unsigned>(text.size()), value.data(),
                     static_cast<unsigned>(value.size())) != 0) {
    return Error{errno, "write the table", {}};
  }
  ++size_;
  return {};
}

Status CdbTable::read(std::istream& in, const std::string& path, const Fold& fold) {
  ::cdb_make making;
  if (::cdb_make_start(&making, file_.get()) != 0) return Error{errno, "begin the table", path};
  Status status;
  std::string line;
  for (std::size_t number = 1; status && std::getline(in, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    auto text = trim(line);
    if (text.empty() || text.starts_with('#')) continue;
    if (auto added = add(making, number, text, fold); !added) {
      status =
          added.error().code == EINVAL ? fault(path, number, added.error().what) : added.error();
    }
  }
  if (status && in.bad()) status = Error{EIO, "read", path};
  if (::cdb_make_finish(&making) != 0 && status) status = Error{errno, "end the table", path};
  if (!status) return status;
  // From here on nobody can change it, in whatever process.
  if (auto sealed = sys::seal(file_); !sealed) return sealed;
  if (::cdb_init(&cdb_, file_.get()) != 0) return Error{errno, "map the table", path};
  mapped_ = true;
  file_.reset();
  return check(path);
}

// Where `key` is an alias: of what.
std::string CdbTable::next_alias(Octets key) const {
  auto fields = find(key);
  if (!fields) fields = find(key.substr(key.rfind('@')));
  return fields && fields->starts_with("-> ") ? std::string(fields->substr(3)) : "";
}

// What only shows in the whole: addresses with two lines, aliases in a circle.
Status CdbTable::check(const std::string& path) const {
  ::cdb all = cdb_;
  unsigned position = 0;
  cdb_seqinit(&position, &all);
  while (::cdb_seqnext(&position, &all) > 0) {
    auto key = octets(cdb_keylen(&all), cdb_keypos(&all));
    auto value = octets(cdb_datalen(&all), cdb_datapos(&all));
    auto number = parse_number(value.substr(0, value.find(' '))).value_or(0);
    auto first = value_of(key);
    if (first && first->data() != value.data()) {
      return fault(path, number,
                   std::string(key) + " is already in line " +
                       std::string(first->substr(0, first->find(' '))));
    }
    auto at = next_alias(key);
    for (int aliases = 0; !at.empty(); at = next_alias(at)) {
      if (++aliases > Chain::kMostAliases) {
        return fault(path, number, std::string(key) + ": aliases lead in a circle");
      }
    }
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const Table>> Table::load(const std::string& path, const Fold& fold) {
  std::ifstream in(path);
  if (!in.is_open()) return Error{errno != 0 ? errno : EIO, "open", path};
  auto file = sys::anonymous_file();
  if (!file) return file.error();
  auto table = std::make_shared<CdbTable>(std::move(file).value());
  if (auto done = table->read(in, path, fold); !done) return done.error();
  return std::shared_ptr<const Table>(std::move(table));
}

#else

Result<std::shared_ptr<const Table>> Table::load(const std::string& path, const Fold&) {
  return Error{ENOTSUP, "this handoffd was built without tinycdb", path};
}

#endif

Result<Tables> load_tables(const std::vector<std::string>& lookups, const Table::Fold& fold) {
  constexpr Octets kKind = "file:";
  Tables tables;
  for (const auto& lookup : lookups) {
    if (!lookup.starts_with(kKind)) continue;
    auto path = lookup.substr(kKind.size());
    auto table = Table::load(path, fold);
    if (!table) return table.error();
    tables[path] = std::move(table).value();
  }
  return tables;
}

}  // namespace handoff::recipients
