// Who the real client is, as a trusted peer tells by XFORWARD (of one message) or XCLIENT (of the
// connection); both are Postfix's.
#pragma once

#include <string>

namespace handoff::lmtp {

struct Forwarded {
  std::string name;     // host name
  std::string address;  // "192.0.2.1", "IPv6:2001:db8::1"
  std::string hello;    // its HELO
  std::string ident;    // the queue manager's name for the message

  std::string hello_or(const std::string& other) const { return hello.empty() ? other : hello; }
  // What stands in the brackets of Received: "mx.example.net [192.0.2.1]".
  std::string peer_or(const std::string& other) const {
    if (address.empty()) return other;
    return (name.empty() ? "" : name + " ") + "[" + address + "]";
  }
};

}  // namespace handoff::lmtp
