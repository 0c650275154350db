// The commands with which a transaction is repeated at a backend.
#pragma once

#include <optional>
#include <string>

#include "base/envelope.hh"
#include "base/network.hh"
#include "lmtp/trace.hh"
#include "proxy/capabilities.hh"

namespace handoff::proxy {

// What the proxy tells a backend about a transaction.
struct Facts {
  Envelope envelope;          // without its recipients
  lmtp::Forwarded forwarded;  // the client as a trusted peer named it; else our own
};

// Returns the client of a session: the one that `forwarded` names, else the peer itself.
lmtp::Forwarded client_of(const lmtp::Forwarded& forwarded, const std::optional<IpAddress>& peer,
                          const std::string& hello);

// Returns the address of the recipient `given` for a backend: as the client wrote it, unless an
// alias or the alias of a domain led to another one, `found`. `detail`: its subaddress;
// `delimiters`: recipients.delimiter.
std::string address_there(const Address& given, const std::string& found, const std::string& detail,
                          const std::string& delimiters);

// Each function returns lines that end in CRLF, with the parameters that the backend announced.

// XFORWARD; empty if the backend does not offer it or there is nothing to say.
std::string xforward_command(const lmtp::Forwarded& client, const Capabilities& offers);
std::string mail_command(const Envelope& envelope, const Capabilities& offers);
// `address`: the address for the backend. `recipient`: its parameters are used.
std::string rcpt_command(const std::string& address, const Recipient& recipient,
                         const Capabilities& offers);
// Returns the extension without which the backend cannot take the message; empty if it can.
std::string missing_extension(const Envelope& envelope, const std::string& address,
                              const Capabilities& offers);

}  // namespace handoff::proxy
