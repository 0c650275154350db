#include "lmtp/trace.hh"

namespace handoff::lmtp {

std::string return_path_line(const Sender& sender) {
  return "Return-Path: " + (sender.in_header ? sender.bracketed() : "<>") + "\r\n";
}

std::string delivered_to_line(const Mailbox& mailbox) {
  return "Delivered-To: " + mailbox.address + "\r\n";
}

std::string original_to_line(const OriginalRecipient& original) {
  return "X-Original-To: " + original.address + "\r\n";
}

std::string received_lines(const Envelope& envelope, const TraceFrom& from,
                           const TraceFacts& facts) {
  std::string out = "Received: from " + from.hello + " (" + from.peer + ")\r\n\tby " +
                    from.hostname + " (handoff) with " + from.protocol + " id " + facts.id;
  if (envelope.recipients.size() == 1) {
    out += "\r\n\tfor <" + envelope.recipients.front().address.text() + ">";
  }
  return out + ";\r\n\t" + facts.date + "\r\n";
}

}  // namespace handoff::lmtp
