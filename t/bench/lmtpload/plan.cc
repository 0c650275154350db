#include "lmtpload/plan.hh"

#include <cstdio>

namespace handoff::bench {

std::string message_id(std::uint64_t number) {
  std::string line(kMessageId + 1, '\0');
  std::snprintf(line.data(), line.size(), "Message-ID: <%016llx@load.test>\r\n",
                static_cast<unsigned long long>(number));
  line.pop_back();
  return line;
}

std::string make_content(std::uint64_t size, bool chunking) {
  std::string content =
      "Received: by load.test; Tue, 1 Jan 2030 00:00:00 +0000\r\n"
      "From: <sender@load.test>\r\n"
      "To: <recipients@load.test>\r\n"
      "Subject: so many octets\r\n"
      "Date: Tue, 1 Jan 2030 00:00:00 +0000\r\n"
      "\r\n";
  const std::string line =
      "The quick brown fox jumps over the lazy dog, 0123456789, and once again: a.\r\n";
  while (kMessageId + content.size() + line.size() <= size) content += line;
  if (!chunking) content += ".\r\n";
  return content;
}

std::vector<std::string> make_commands(const Plan& plan, std::uint64_t mailbox) {
  std::vector<std::string> lines;
  lines.reserve(plan.recipients + 2);
  lines.emplace_back("MAIL FROM:<sender@load.test>\r\n");
  auto at = plan.address.find("%d");
  for (std::uint64_t i = 0; i < plan.recipients; ++i) {
    auto address = plan.address;
    address.replace(at, 2, std::to_string((mailbox + i) % plan.mailboxes));
    lines.push_back("RCPT TO:<" + address + ">\r\n");
  }
  lines.push_back(plan.chunking
                      ? "BDAT " + std::to_string(kMessageId + plan.content.size()) + " LAST\r\n"
                      : "DATA\r\n");
  return lines;
}

}  // namespace handoff::bench
