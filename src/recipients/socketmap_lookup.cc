#include "recipients/socketmap_lookup.hh"

#include "base/endpoint.hh"
#include "base/text.hh"
#include "recipients/server_lookup.hh"
#include "recipients/wire.hh"

namespace handoff::recipients {
namespace {

class SocketmapLookup final : public ServerLookup {
 public:
  SocketmapLookup(Endpoint endpoint, std::string name, const Ground& ground)
      : ServerLookup(ground), endpoint_(std::move(endpoint)), name_(std::move(name)) {}

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

// "LENGTH:OCTETS,"
Result<std::string> SocketmapLookup::read_netstring(sys::Deadline deadline) {
  auto digits = wire_->until(':', deadline);
  if (!digits) return digits;
  auto length = parse_number(digits.value());
  if (!length || *length > Wire::kMost) return Error{EPROTO, "no netstring", {}};
  auto octets = wire_->octets(*length + 1, deadline);
  if (!octets) return octets;
  auto text = std::move(octets).value();
  if (text.back() != ',') return Error{EPROTO, "no netstring", {}};
  text.pop_back();
  return text;
}

// A value may be meant for somebody else, as the OK of an access map; fields are meant for us.
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
    // Of this recipient. TIMEOUT is of the map, which every recipient would wait for.
    int code = word == "TEMP" || word == "PERM" ? EAGAIN : EIO;
    return Error{code, "the map says " + escape(text.substr(0, 200)), {}};
  }
  auto record = record_of(value);
  if (!record) return record.error();
  return std::optional(std::move(record).value());
}

}  // namespace

Result<std::unique_ptr<Lookup>> make_socketmap_lookup(const std::string& argument,
                                                      const Ground& ground) {
  auto colon = argument.rfind(':');
  auto endpoint = parse_endpoint(argument.substr(0, colon));
  if (colon == std::string::npos || !endpoint || endpoint->tls) {
    return Error{
        EINVAL, "recipients.lookup = socketmap: must be unix:PATH:NAME or tcp:HOST:PORT:NAME", {}};
  }
  return std::unique_ptr<Lookup>(
      std::make_unique<SocketmapLookup>(std::move(*endpoint), argument.substr(colon + 1), ground));
}

}  // namespace handoff::recipients
