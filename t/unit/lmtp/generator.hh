// Generates sessions from a seed: mostly valid, with some nonsense. Does not need Boost.
#pragma once

#include <random>
#include <string>
#include <vector>

namespace handoff::lmtp {

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  // Returns the octets of one session, independent of the replies.
  std::string session() {
    std::string out = chance(20) ? "" : "LHLO client.example\r\n";
    for (auto n = below(4); n > 0; --n) {
      out += chance(6) ? command() : transaction();
    }
    if (chance(2)) out += "QUIT\r\n";
    if (chance(10)) out += command();
    return out;
  }

  // Returns text of octets that matter for line ends and dots.
  std::string text(std::size_t most) {
    static constexpr std::string_view kOctets("\r\n..xy \0\xff:", 10);
    std::string out;
    for (auto n = below(most + 1); n > 0; --n) {
      if (chance(3)) {
        out += "\r\n";
      } else {
        out += kOctets[below(kOctets.size())];
      }
    }
    return out;
  }

 private:
  // std::uniform_int_distribution differs between libraries.
  std::size_t below(std::size_t n) { return random_() % n; }
  bool chance(std::size_t one_in) { return below(one_in) == 0; }
  std::string one_of(const std::vector<std::string>& list) { return list[below(list.size())]; }

  std::string address() {
    return one_of({"a@x.example", "b@x.example", "A@X.EXAMPLE", "unknown@x.example",
                   "broken@x.example", "full@x.example", "\"a b\"@x.example", "c@[192.0.2.1]",
                   "@r.example:a@x.example", "postmaster", "nodomain", "a@@x", "",
                   "\xc3\xbc@b\xc3\xbc"
                   "cher.example",
                   "\xff@x.example"});
  }

  std::string command() {
    switch (below(9)) {
      case 7:
        return one_of({"XFORWARD ADDR=192.0.2.9 HELO=h IDENT=Q", "XFORWARD NAME=(", "XCLIENT X",
                       "XCLIENT ADDR=192.0.2.9", "AUTH PLAIN Z29vZA==", "AUTH PLAIN",
                       "AUTH PLAIN\r\nZ29vZA==", "AUTH PLAIN\r\n*", "AUTH OTHER", "AUTH"}) +
               "\r\n";
      case 0:
        return one_of({"NOOP", "RSET", "HELP x", "VRFY a@x.example", "EXPN a", "QUIT x", "DATA x",
                       "FOO", "", "EHLO x", "LHLO", "LHLO again.example", "noop  ", "STARTTLS"}) +
               "\r\n";
      case 1:
        return "NOOP " + std::string(500 + below(100), 'x') + "\r\n";
      case 2:
        return text(30) + "\r\n";
      case 3: {
        auto chunk = text(40);
        return "BDAT " + std::to_string(chunk.size()) + one_of({"", " LAST"}) + "\r\n" + chunk;
      }
      case 4:
        return one_of({"BDAT x", "BDAT", "BDAT 99999999999999999999999", "BDAT -1", "BDAT 0",
                       "BDAT 4 LUST\r\nQUIT", "BDAT 4" + std::string(600, ' ') + "x\r\nQUIT",
                       std::string("BDAT 4\0\r\nQUIT", 14)}) +
               "\r\n";
      case 5:
        return "VRFY " + address() + "\r\n";
      case 6:
        return "MAIL FROM:<" + address() + ">" + parameters() + "\r\n";
      default:
        return "DATA\r\n";
    }
  }

  std::string parameters() {
    return one_of({"", "", "", " SIZE=100", " BODY=8BITMIME", " SIZE=99999999", " SIZE=x", " FOO",
                   " SIZE=1 SIZE=1", " BODY=BINARYMIME", " SMTPUTF8", " RET=HDRS ENVID=a+2Bb"});
  }

  std::string header() {
    std::string out;
    for (auto n = below(4); n > 0; --n) {
      out +=
          one_of({"Subject: x", "Return-Path: <a@b>", "Return-Path:\r\n <a@b>", "Received: x id y",
                  "Delivered-To: a@x.example", "Message-ID: <1@x>", " folded", "..dots", "x:"}) +
          "\r\n";
    }
    return out;
  }

  std::string transaction() {
    std::string out =
        "MAIL FROM:<" + one_of({"s@x.example", "", address()}) + ">" + parameters() + "\r\n";
    for (auto n = below(5); n > 0; --n) {
      out += "RCPT TO:<" + address() + ">" +
             one_of({"", "", "", " NOTIFY=SUCCESS", " ORCPT=rfc822;a@x", " NOTIFY=NEVER,DELAY"}) +
             "\r\n";
    }
    if (chance(8)) out += command();
    if (chance(3)) return out + chunks(header() + text(60));
    return out + "DATA\r\n" + header() + text(60) + one_of({"\r\n.\r\n", "\r\n.\r\n", "\n.\r\n"});
  }

  // Returns content by BDAT; sometimes the last chunk is missing or truncated.
  std::string chunks(std::string_view content) {
    std::string out;
    for (bool last = false; !last;) {
      auto size = below(content.size() + 1);
      last = size == content.size() && chance(2);
      out += "BDAT " + std::to_string(size) + (last ? " LAST" : "") + "\r\n";
      out += content.substr(0, size);
      content.remove_prefix(size);
      if (!last && chance(12)) return out + command();
    }
    return out;
  }

  std::mt19937 random_;
};

}  // namespace handoff::lmtp
