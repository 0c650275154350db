// Octets of a session. The first six determine the configuration, one bit each, so that a corpus
// can be read and typed.
#include <algorithm>
#include <string>
#include <vector>

#include "base/unicode.hh"
#include "lmtp/dialogue.hh"
#include "lmtp/lock_step.hh"
#include "targets.hh"

namespace handoff::fuzz {
namespace {

using namespace handoff::lmtp;

constexpr std::size_t kFlags = 6;

// The configuration of a session: '@' plus its bits.
class Setup {
 public:
  explicit Setup(std::string_view flags) : flags_(flags) {}

  bool has(std::size_t octet, unsigned bit) const { return (flags_[octet] >> bit & 1) != 0; }

  SessionOptions options() const {
    auto options = plain_options();
    options.max_message_size = has(0, 0) ? 60 : 10000;
    options.lenient_newlines = has(0, 1);
    options.reject_bare_newlines = has(0, 2);
    options.bare_local = has(0, 3);
    options.delivered_to = DeliveredTo(has(1, 0) + has(1, 1));
    options.max_recipients = has(1, 2) ? 3 : 100;
    options.max_errors = has(1, 3) ? 3 : 1000;
    options.max_transactions = has(2, 0) ? 2 : 0;
    options.utf8 = has(2, 1) && knows_unicode();
    options.dsn = has(2, 2);
    options.rrvs = has(2, 3);
    options.require_auth = has(3, 0);
    options.require_tls = has(3, 1);
    return options;
  }
  SessionPeer peer() const {
    auto peer = plain_peer();
    peer.trusted = has(3, 2);
    peer.remote = has(3, 3);
    peer.can_tls = has(4, 0);
    peer.mechanisms = has(4, 1) ? "PLAIN EXTERNAL" : "";
    return peer;
  }
  void prepare(Dialogue& dialogue) const {
    if (has(4, 2)) dialogue.fail_storing = 250;
    if (has(4, 3)) dialogue.fail_at_end = reply_to({EDQUOT, "fsync", ""});
    if (has(5, 0)) dialogue.refuse_content = reply_to({ENOSPC, "open", ""});
    dialogue.backwards = has(5, 1);
  }

 private:
  std::string_view flags_;
};

}  // namespace

void session(std::string_view octets) {
  if (octets.size() < kFlags || octets.size() > 4096) return;
  Setup setup(octets.substr(0, kFlags));
  octets.remove_prefix(kFlags);

  auto options = setup.options();
  Dialogue patient(options, setup.peer());
  setup.prepare(patient);
  LockStep(patient, options).play(octets);
  // Input that follows STARTTLS in the same read is discarded, so the result depends on the reads.
  if (setup.peer().can_tls) return;
  auto expected = outcome_of(patient);
  for (auto size : {octets.size(), std::size_t{1}, 2 + octets.size() % 29}) {
    Dialogue dialogue(options, setup.peer());
    setup.prepare(dialogue);
    dialogue.send_in_pieces(octets, size);
    require(outcome_of(dialogue) == expected, "another outcome in other reads");
  }
}

}  // namespace handoff::fuzz
