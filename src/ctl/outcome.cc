#include "ctl/outcome.hh"

#include <sysexits.h>

#include "base/text.hh"

namespace handoff::ctl {
namespace {

int code_of_refusal(const lmtp::Reply& reply) {
  // RFC 3463 3: the second number is the subject.
  switch (reply.status.starts_with("5.") && reply.status.size() > 3 && reply.status[3] == '.'
              ? reply.status[2]
              : '0') {
    case '1':  // addressing
      return EX_NOUSER;
    case '2':  // mailbox
      return EX_CANTCREAT;
    case '3':  // mail system; 5.3.4 is a message that is too large for it
      return reply.status == "5.3.4" ? EX_DATAERR : EX_UNAVAILABLE;
    case '5':  // protocol
      return EX_PROTOCOL;
    case '6':  // content
      return EX_DATAERR;
    case '7':  // policy
      return EX_NOPERM;
    default:
      return EX_UNAVAILABLE;
  }
}

}  // namespace

std::string line_of(const Outcome& outcome, Colours colours) {
  const auto& [recipient, reply] = outcome;
  auto text = escape(reply.code == 0 ? reply.text : reply.one_line());
  return "<" + escape(recipient) + "> " +
         (reply.positive()        ? colours.green(text)
          : reply.code / 100 == 5 ? colours.red(text)
                                  : colours.yellow(text));
}

int exit_code(std::span<const Outcome> outcomes) {
  int code = EX_OK;
  for (const auto& outcome : outcomes) {
    if (outcome.reply.positive()) continue;
    if (outcome.reply.code / 100 != 5) return EX_TEMPFAIL;
    int refusal = code_of_refusal(outcome.reply);
    code = code == EX_OK || code == refusal ? refusal : EX_UNAVAILABLE;
  }
  return code;
}

}  // namespace handoff::ctl
