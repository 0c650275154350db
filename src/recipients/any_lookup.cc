// recipients.lookup = any: every address has a mailbox, which is created with its first message.
#include "recipients/kinds.hh"
#include "recipients/layout.hh"

namespace handoff::recipients {
namespace {

class AnyLookup final : public Lookup {
 public:
  explicit AnyLookup(const std::string& layout) : layout_(layout) {}

  Result<Answer> find(const Address& address) override {
    auto mailbox = mailbox_by_layout(layout_, address);
    if (!mailbox) return Answer();
    mailbox->create = true;
    return Answer(std::move(*mailbox));
  }
  bool can_verify() const override { return false; }

 private:
  const std::string& layout_;
};

}  // namespace

Result<std::unique_ptr<Lookup>> make_any_lookup(const std::string&, const LookupContext& context) {
  return std::unique_ptr<Lookup>(std::make_unique<AnyLookup>(context.layout));
}

}  // namespace handoff::recipients
