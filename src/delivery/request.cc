#include "delivery/request.hh"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <limits>
#include <utility>

#include "base/codec.hh"
#include "sys/message_socket.hh"

namespace handoff::delivery {
namespace {

// Maximum sizes of fields in octets; no legitimate field is larger.
constexpr std::size_t kPath = 2048;
constexpr std::size_t kName = 255;
constexpr std::size_t kAddress = 1024;
constexpr std::size_t kPersonal = 3072;
constexpr std::size_t kWords = 400;
constexpr std::size_t kMostLetters = 5;
constexpr std::size_t kMostKeywords = 26;
constexpr std::size_t kKeyword = 64;

constexpr std::uint64_t kAny = kAnyNumber;
constexpr std::uint64_t kMostId = std::numeric_limits<std::uint32_t>::max() - 1;

template <class Codec, class R>
void pass_request(Codec& codec, R& request) {
  codec.number(request.verb, static_cast<std::uint64_t>(kLastVerb));
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
  codec.text(mailbox.home, kPath);
  codec.text(mailbox.script, kPath);
  codec.text(request.detail, kAddress);
  codec.text(request.name, kName);
  codec.number(request.size, kAny);
  codec.number(request.content_offset, kAny);
  codec.text(request.earlier, kMostEarlier);
  codec.text(request.personal, kPersonal);
  codec.text(request.stored_as, kName);
  codec.text(request.flags.letters, kMostLetters);
  pass_list(codec, request.flags.keywords, kMostKeywords,
            [&](auto& keyword) { codec.text(keyword, kKeyword); });
  codec.text(request.file, kName);
  codec.text(request.path, kPath);
  codec.text(request.text, kMostNote);
}

template <class Codec, class E>
void pass_error(Codec& codec, E& error) {
  codec.number(error.code, 65535);
  codec.text(error.what, kWords);
  codec.text(error.path, kPath);
  codec.number(error.reason, static_cast<std::uint64_t>(kLastReason));
}

template <class Codec, class S>
void pass_quota(Codec& codec, S& state) {
  codec.number(state.limits.size, kAny);
  codec.number(state.limits.messages, kAny);
  pass_optional(codec, state.use, [&](auto& use) {
    codec.number(use.size, kAny);
    codec.number(use.messages, kAny);
  });
  codec.flag(state.certain);
}

template <class Codec, class O>
void pass_outcome(Codec& codec, O& outcome) {
  pass_optional(codec, outcome.error, [&](auto& error) { pass_error(codec, error); });
  codec.flag(outcome.uncertain);
  auto& delivered = outcome.delivered;
  codec.text(delivered.file, kName);
  codec.number(delivered.size, kAny);
  codec.flag(delivered.copied);
  codec.flag(delivered.already);
  pass_optional(codec, delivered.quota, [&](auto& state) { pass_quota(codec, state); });
  pass_optional(codec, outcome.found, [&](auto& found) {
    codec.text(found.name, kName);
    codec.text(found.file, kPath);
  });
  codec.text(outcome.folder, kName);
  codec.flag(outcome.create_folder);
  codec.flag(outcome.usable);
  pass_optional(codec, outcome.inspection, [&](auto& found) {
    pass_optional(codec, found.error, [&](auto& error) { pass_error(codec, error); });
    codec.flag(found.exists);
    codec.text(found.filesystem, kName);
    codec.number(found.free_octets, kAny);
    pass_optional(codec, found.quota, [&](auto& state) { pass_quota(codec, state); });
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
  if (!encoder.fits() || encoder.size() > sys::kMaxMessage)
    return Error{EMSGSIZE, "ask for a delivery", request.mailbox.address};
  return encoder.take();
}

std::string pack(Outcome outcome) {
  if (outcome.error) cut_to_fit(*outcome.error);
  if (outcome.inspection && outcome.inspection->error) cut_to_fit(*outcome.inspection->error);
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
  bool has_error = outcome->inspection && outcome->inspection->error;
  bool is_one = decoder.good() && (!outcome->error || outcome->error->code > 0) &&
                (!has_error || outcome->inspection->error->code > 0);
  return is_one ? std::move(outcome) : std::nullopt;
}

}  // namespace handoff::delivery
