#include "delivery/request.hh"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <limits>
#include <type_traits>
#include <utility>

#include "sys/message_socket.hh"

namespace handoff::delivery {
namespace {

// Of fields, octets: what each is at most where it is honest.
constexpr std::size_t kPath = 2048;
constexpr std::size_t kName = 255;
constexpr std::size_t kAddress = 1024;
constexpr std::size_t kPersonal = 3072;
constexpr std::size_t kWords = 400;

class Encoder {
 public:
  template <class T>
  void number(T number, std::uint64_t most) {
    auto value = static_cast<std::uint64_t>(number);
    if (value > most) fits_ = false;
    for (int shift = 0; shift < 64; shift += 8) out_ += static_cast<char>(value >> shift & 0xff);
  }
  void text(const std::string& value, std::size_t most) {
    number(value.size(), most);
    out_ += value;
  }
  void flag(bool value) { number(value ? 1 : 0, 1); }

  bool fits() const { return fits_ && out_.size() <= sys::kMaxMessage; }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  bool fits_ = true;
};

class Decoder {
 public:
  explicit Decoder(std::string_view octets) : octets_(octets) {}

  template <class T>
  void number(T& value, std::uint64_t most) {
    std::uint64_t sum = 0;
    if (octets_.size() < 8) return fail();
    for (std::size_t i = 0; i < 8; ++i) {
      sum |= std::uint64_t{static_cast<unsigned char>(octets_[i])} << (8 * i);
    }
    octets_.remove_prefix(8);
    if (sum > most) return fail();
    value = static_cast<T>(sum);
  }
  void text(std::string& value, std::size_t most) {
    std::size_t size = 0;
    number(size, most);
    if (!good_ || size > octets_.size()) return fail();
    value = octets_.substr(0, size);
    octets_.remove_prefix(size);
  }
  void flag(bool& value) { number(value, 1); }

  bool good() const { return good_ && octets_.empty(); }

 private:
  void fail() {
    good_ = false;
    octets_ = {};
  }
  std::string_view octets_;
  bool good_ = true;
};

constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMostId = std::numeric_limits<std::uint32_t>::max() - 1;

// One list of fields for both directions: of a type or, for the encoder, a constant of it.
template <class Codec, class Value, class Pass>
void pass_optional(Codec& codec, Value& value, Pass pass) {
  bool there = value.has_value();
  codec.flag(there);
  if constexpr (std::is_same_v<Codec, Decoder>) {
    if (there) value.emplace();
  }
  if (there) pass(*value);
}

template <class Codec, class R>
void pass_request(Codec& codec, R& request) {
  codec.number(request.verb, static_cast<std::uint64_t>(Verb::kDeliver));
  auto& mailbox = request.mailbox;
  codec.text(mailbox.base, kPath);
  codec.text(mailbox.path, kPath);
  codec.text(mailbox.folder, kName);
  codec.text(mailbox.address, kAddress);
  codec.flag(mailbox.create);
  codec.flag(mailbox.create_folder);
  pass_optional(codec, mailbox.owner, [&](auto& owner) {
    codec.number(owner.uid, kMostId);
    codec.number(owner.gid, kMostId);
  });
  pass_optional(codec, mailbox.quota.size, [&](auto& size) { codec.number(size, kAny); });
  pass_optional(codec, mailbox.quota.messages, [&](auto& most) { codec.number(most, kAny); });
  codec.text(request.detail, kAddress);
  codec.text(request.name, kName);
  codec.number(request.size, kAny);
  codec.number(request.content_offset, kAny);
  codec.text(request.earlier, kMostEarlier);
  codec.text(request.personal, kPersonal);
}

template <class Codec, class E>
void pass_error(Codec& codec, E& error) {
  codec.number(error.code, 65535);
  codec.text(error.what, kWords);
  codec.text(error.path, kPath);
}

template <class Codec, class S>
void pass_standing(Codec& codec, S& standing) {
  codec.number(standing.limits.size, kAny);
  codec.number(standing.limits.messages, kAny);
  pass_optional(codec, standing.use, [&](auto& use) {
    codec.number(use.size, kAny);
    codec.number(use.messages, kAny);
  });
  codec.flag(standing.certain);
}

template <class Codec, class O>
void pass_outcome(Codec& codec, O& outcome) {
  pass_optional(codec, outcome.error, [&](auto& error) { pass_error(codec, error); });
  codec.flag(outcome.doubtful);
  auto& delivered = outcome.delivered;
  codec.text(delivered.file, kName);
  codec.number(delivered.size, kAny);
  codec.flag(delivered.copied);
  codec.flag(delivered.already);
  pass_optional(codec, delivered.quota, [&](auto& standing) { pass_standing(codec, standing); });
  pass_optional(codec, outcome.found, [&](auto& found) {
    codec.text(found.name, kName);
    codec.text(found.file, kPath);
  });
  codec.text(outcome.folder, kName);
  codec.flag(outcome.create_folder);
  pass_optional(codec, outcome.look, [&](auto& look) {
    pass_optional(codec, look.error, [&](auto& error) { pass_error(codec, error); });
    codec.flag(look.is_there);
    codec.text(look.filesystem, kName);
    codec.number(look.free_octets, kAny);
    pass_optional(codec, look.quota, [&](auto& standing) { pass_standing(codec, standing); });
  });
}

void cut_to_fit(Error& error) {
  error.what.resize(std::min(error.what.size(), kWords));
  error.path.resize(std::min(error.path.size(), kPath));
}

}  // namespace

Result<std::string> pack(const Request& request) {
  Encoder encoder;
  pass_request(encoder, request);
  if (!encoder.fits()) return Error{EMSGSIZE, "ask for a delivery", request.mailbox.address};
  return encoder.take();
}

std::string pack(Outcome outcome) {
  if (outcome.error) cut_to_fit(*outcome.error);
  if (outcome.look && outcome.look->error) cut_to_fit(*outcome.look->error);
  Encoder encoder;
  pass_outcome(encoder, std::as_const(outcome));
  return encoder.take();
}

std::optional<Request> unpack_request(std::string_view octets) {
  Decoder decoder(octets);
  std::optional<Request> request(std::in_place);
  pass_request(decoder, *request);
  bool known = request->verb >= Verb::kChooseFolder;
  return decoder.good() && known ? std::move(request) : std::nullopt;
}

std::optional<Outcome> unpack_outcome(std::string_view octets) {
  Decoder decoder(octets);
  std::optional<Outcome> outcome(std::in_place);
  pass_outcome(decoder, *outcome);
  bool looked = outcome->look && outcome->look->error;
  bool said = decoder.good() && (!outcome->error || outcome->error->code > 0) &&
              (!looked || outcome->look->error->code > 0);
  return said ? std::move(outcome) : std::nullopt;
}

}  // namespace handoff::delivery
