#include "lmtp/dsn_report.hh"

#include <algorithm>

#include "base/text.hh"

namespace handoff::lmtp {

void HeaderCopy::take(std::string_view octets) {
  while (!ended_ && !octets.empty()) {
    char c = octets.front();
    octets.remove_prefix(1);
    if (c == '\r' || c == '\0') continue;
    bool line_begins = text_.empty() || text_.back() == '\n';
    if (c == '\n' && line_begins) {
      ended_ = true;
    } else if (text_.size() >= kMost) {
      end();
    } else {
      text_ += c;
    }
  }
}

void HeaderCopy::end() {
  if (!ended_) text_.resize(text_.rfind('\n') + 1);
  ended_ = true;
}

std::string dsn_text(const DsnReport& report, const DsnFacts& facts) {
  std::string header = report.header.text();
  if (!header.empty() && header.back() != '\n') header += '\n';
  // RFC 2046 5.1.1: at most 70 characters. The id is unique, so no line of the header equals the
  // boundary.
  auto boundary = "handoff=_" + facts.id.substr(0, 60);
  auto sender = report.sender.bracketed();

  std::string told =
      "This is the mail system at " + facts.hostname +
      ".\n\nYou asked for this report. Your message was delivered to the mailbox of\n\n";
  for (const Recipient& recipient : report.delivered) {
    told += "    <" + recipient.address.text() + ">\n";
  }
  told += "\nYou need not do anything.\n";

  // RFC 3464 2.2, 2.3.
  std::string status = "Reporting-MTA: dns; " + facts.hostname + "\n";
  if (!report.envelope_id.empty()) status += "Original-Envelope-Id: " + report.envelope_id + "\n";
  status += "Arrival-Date: " + report.arrival + "\n";
  for (const Recipient& recipient : report.delivered) {
    auto address = recipient.address.text();
    status += "\n";
    if (recipient.original) {
      // RFC 3461 6.3: the value of ORCPT, but with the customary space after the semicolon.
      const auto& encoded = recipient.original->encoded;
      auto semicolon = encoded.find(';');
      status += "Original-Recipient: " + encoded.substr(0, semicolon) + "; " +
                encoded.substr(semicolon + 1) + "\n";
    }
    // RFC 6533 3: the type utf-8 may occur only in message/global-delivery-status.
    status += std::string("Final-Recipient: ") + (report.utf8 ? "utf-8" : "rfc822") + "; " +
              address + "\nAction: delivered\nStatus: 2.0.0\n";
  }

  // RFC 3464 2.1: message/delivery-status is 7bit, independent of the returned header.
  auto encoding = [](bool ascii) {
    return std::string("Content-Transfer-Encoding: ") + (ascii ? "7bit" : "8bit") + "\n";
  };
  bool ascii = all_ascii(header) && all_ascii(told) && all_ascii(status);
  auto part = [&](const std::string& type, const std::string& text) {
    bool plain = report.utf8 ? ascii : all_ascii(text);
    return "--" + boundary + "\nContent-Type: " + type + "\n" + encoding(plain) + "\n" + text +
           "\n";
  };
  return "From: Mail Delivery System <postmaster@" + facts.hostname + ">\nTo: " + sender +
         "\nSubject: Delivered: your message\nDate: " + facts.date + "\nMessage-ID: <dsn." +
         facts.id + "@" + facts.hostname +
         // RFC 3834 5: prevents automatic answers such as vacation messages.
         ">\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\nContent-Type: multipart/report; "
         "report-type=delivery-status;\n\tboundary=\"" +
         boundary + "\"\n" + encoding(ascii) + "\n" +
         part(std::string("text/plain; charset=") + (all_ascii(told) ? "us-ascii" : "utf-8"),
              told) +
         part(report.utf8 ? "message/global-delivery-status" : "message/delivery-status", status) +
         part(report.utf8 ? "message/global-headers" : "text/rfc822-headers", header) + "--" +
         boundary + "--\n";
}

}  // namespace handoff::lmtp
