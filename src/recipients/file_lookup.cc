#include "recipients/file_lookup.hh"

#include "recipients/record.hh"

namespace handoff::recipients {
namespace {

class FileLookup final : public Lookup {
 public:
  FileLookup(std::shared_ptr<const Table> table, const Ground& ground)
      : table_(std::move(table)), ground_(ground) {}

  Result<Answer> find(const Address& address) override {
    auto domain = "@" + address.domain;
    auto fields = table_->find(address.local + domain);
    if (!fields) fields = table_->find(domain);
    if (!fields) return Answer();
    auto record = parse_record(*fields);
    if (!record) return record.error();
    return answer_of(record.value(), address, ground_);
  }
  bool knows_owners() const override { return table_->knows_owners(); }

 private:
  std::shared_ptr<const Table> table_;
  Ground ground_;
};

}  // namespace

Result<std::unique_ptr<Lookup>> make_file_lookup(const std::string& path, const Ground& ground) {
  if (ground.tables != nullptr) {
    if (auto table = ground.tables->find(path); table != ground.tables->end()) {
      return std::unique_ptr<Lookup>(std::make_unique<FileLookup>(table->second, ground));
    }
  }
  return Error{ENOENT, "recipients.lookup = file: not loaded", path};
}

}  // namespace handoff::recipients
