// recipients.lookup = socketmap:unix:PATH:NAME, socketmap:tcp:HOST:PORT:NAME: Sendmail's and
// Postfix's protocol for maps (socketmap_table(5)). Both directions use netstrings: "NAME key",
// answered by "OK value" or "NOTFOUND ".
#include "base/endpoint.hh"
#include "base/text.hh"
#include "recipients/kinds.hh"
#include "recipients/server_lookup.hh"
#include "recipients/wire.hh"

namespace handoff::recipients {
namespace {

class SocketmapLookup final : public ServerLookup {
 public:
  SocketmapLookup(Endpoint endpoint, std::string name, const LookupContext& context)
      : ServerLookup(context), endpoint_(std::move(endpoint)), name_(std::move(name)) {}

 protected:
  Status connect(sys::Deadline deadline) override {
    auto wire = Wire::open(endpoint_, deadline);
    if (!wire) return wire.error();
    wire_.emplace(std::move(wire).value());
    return {};
  }
  bool is_connected() const override { return wire_.has_value(); }
  void disconnect() override { wire_.reset(); }
  Result<std::optional<Record>> ask(const Address& address, sys::Deadline deadline) override;

 private:
  Result<std::string> read_netstring(sys::Deadline deadline);

  Endpoint endpoint_;
  std::string name_;
  std::optional<Wire> wire_;
};

// Reads "LENGTH:OCTETS,".
Result<std::string> SocketmapLookup::read_netstring(sys::Deadline deadline) {
  auto digits = wire_->until(':', deadline);
  if (!digits) return digits;
  auto length = parse_number(digits.value());
  if (!length || *length > Wire::kMost) return explained(EPROTO, "not a netstring");
  auto octets = wire_->octets(*length + 1, deadline);
  if (!octets) return octets;
  auto text = std::move(octets).value();
  if (text.back() != ',') return explained(EPROTO, "not a netstring");
  text.pop_back();
  return text;
}

// Parses fields. Any other value, such as the OK of an access map, is ignored, because it is meant
// for other programs.
Result<Record> record_of(std::string_view value) {
  bool fields = value.find('=') != std::string_view::npos || value.starts_with("->");
  return parse_record(fields ? value : std::string_view());
}

Result<std::optional<Record>> SocketmapLookup::ask(const Address& address, sys::Deadline deadline) {
  auto question = name_ + " " + address.local + "@" + address.domain;
  auto sent = wire_->write(std::to_string(question.size()) + ":" + question + ",", deadline);
  if (!sent) return sent.error();
  auto answer = read_netstring(deadline);
  if (!answer) return answer.error();
  std::string_view text = answer.value();
  auto blank = std::min(text.find(' '), text.size());
  auto word = text.substr(0, blank);
  auto value = trim(text.substr(blank));
  if (word == "NOTFOUND") return std::optional<Record>();
  if (word != "OK") {
    // TEMP and PERM concern this recipient. TIMEOUT concerns the map, and so every recipient.
    int code = word == "TEMP" || word == "PERM" ? EAGAIN : EIO;
    return explained(code, "the map says " + std::string(text.substr(0, 200)));
  }
  auto record = record_of(value);
  if (!record) return record.error();
  return std::optional(std::move(record).value());
}

}  // namespace

Result<std::unique_ptr<Lookup>> make_socketmap_lookup(const std::string& argument,
                                                      const LookupContext& context) {
  auto colon = argument.rfind(':');
  auto endpoint = parse_endpoint(argument.substr(0, colon));
  if (colon == std::string::npos || !endpoint || endpoint->tls) {
    return explained(EINVAL, "must be unix:PATH:NAME or tcp:HOST:PORT:NAME");
  }
  return std::unique_ptr<Lookup>(
      std::make_unique<SocketmapLookup>(std::move(*endpoint), argument.substr(colon + 1), context));
}

}  // namespace handoff::recipients
