// recipients.lookup = file:PATH, a table that was loaded in advance (table.hh).
#include "recipients/kinds.hh"
#include "recipients/record.hh"

namespace handoff::recipients {
namespace {

class FileLookup final : public Lookup {
 public:
  FileLookup(std::shared_ptr<const Table> table, const LookupContext& context)
      : table_(std::move(table)), context_(context) {}

  Result<Answer> find(const Address& address) override {
    auto domain = "@" + address.domain;
    auto fields = table_->find(address.local + domain);
    if (!fields) fields = table_->find(domain);
    if (!fields) return Answer();
    auto record = parse_record(*fields);
    if (!record) return record.error();
    return answer_of(record.value(), address, context_);
  }
  bool knows_owners() const override { return table_->knows_owners(); }

 private:
  std::shared_ptr<const Table> table_;
  LookupContext context_;
};

}  // namespace

Result<std::unique_ptr<Lookup>> make_file_lookup(const std::string& path,
                                                 const LookupContext& context) {
  if (context.tables != nullptr) {
    if (auto table = context.tables->find(path); table != context.tables->end()) {
      return std::unique_ptr<Lookup>(std::make_unique<FileLookup>(table->second, context));
    }
  }
  return explained(ENOENT, "the table was not loaded", path);
}

}  // namespace handoff::recipients
