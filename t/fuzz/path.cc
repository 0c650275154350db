#include "lmtp/path.hh"

#include <algorithm>
#include <string>

#include "base/text.hh"
#include "base/unicode.hh"
#include "lmtp/trace.hh"
#include "targets.hh"

namespace handoff::fuzz {
namespace {

using namespace handoff::lmtp;

void same_again(const Address& address, const Path& again) {
  require(again.fault == PathFault::kNone, "an address that parsed does not, as it is printed");
  require(again.address == address, "an address is another one when printed and parsed");
  require(again.rest.empty(), "an address is printed with additional octets");
}

// Normalising the parts of an address twice gives the same result as once.
void canonical(const Address& address) {
  if (auto domain = to_ascii_domain(address.domain)) {
    require(all_ascii(*domain), "an A-label beyond ASCII");
    require(to_ascii_domain(*domain) == domain, "the A-labels of A-labels are others");
  }
  if (!is_utf8(address.local)) return;
  auto folded = fold_case(address.local);
  require(is_utf8(folded) && fold_case(folded) == folded, "folding twice is not folding once");
  auto composed = to_nfc(address.local);
  require(is_utf8(composed) && to_nfc(composed) == composed, "NFC of NFC is another text");
  require(fold_case(composed) == folded, "two spellings of a local part do not meet");
}

// Any sender makes a Return-Path: of exactly one line, and a valid sender is an address.
void sender(std::string_view octets, bool brackets_optional) {
  auto path = parse_sender(octets, brackets_optional);
  if (!path) return;
  const auto& sender = path->sender;
  require(octets.ends_with(path->rest), "the rest is not the end of the text");
  require(path->rest.empty() || path->rest.front() == ' ' || brackets_optional,
          "something sticks to a sender");
  auto line = return_path_line(sender);
  require(line.find_first_of("\r\n") == line.size() - 2 && line.size() <= 1000,
          "Return-Path: is not one line");
  require(line.starts_with("Return-Path: <") && line.ends_with(">\r\n"), "no Return-Path:");
  if (sender.null() || !sender.valid) return;
  auto again = parse_path(sender.bracketed(), {.bare_local = true});
  require(again.fault == PathFault::kNone && again.address.text() == sender.text,
          "a valid sender is not an address");
}

}  // namespace

void path(std::string_view octets) {
  if (octets.empty() || octets.size() > 1024) return;
  auto flags = octets.front();
  octets.remove_prefix(1);
  PathRules rules{.bare_local = (flags & 2) != 0, .brackets_optional = (flags & 1) != 0};
  sender(octets, rules.brackets_optional);

  auto path = parse_path(octets, rules);
  require(octets.ends_with(path.rest), "the rest is not the end of the text");
  if (path.fault == PathFault::kNone) {
    const auto& address = path.address;
    auto text = address.text();
    require(path.rest.empty() || path.rest.front() == ' ', "something sticks to a path");
    require(std::ranges::none_of(text, is_control), "a control in an address");
    require(!address.null(), "a null recipient");
    require(path.non_ascii == !all_ascii(text), "beyond ASCII or not");
    auto printed = "<" + text + ">";
    same_again(address, parse_path(printed, rules));
    same_again(address, parse_mailbox(text, rules));
    canonical(address);
  }

  auto mailbox = parse_mailbox(octets, rules);
  if (mailbox.fault == PathFault::kNone) {
    auto text = mailbox.address.text();
    same_again(mailbox.address, parse_mailbox(text, rules));
  }
}

}  // namespace handoff::fuzz
