// All replies of handoff. handoffd(8) has the same table, and a test compares the two. Codes are
// those of the RFCs; each text tells an operator what to do. `$1` is a parameter. Replies after
// data have one line each, because clients mishandle the multiline replies that RFC 2033 4.2
// allows.
#pragma once

#include "lmtp/reply.hh"

namespace handoff::lmtp::say {

// Session.
inline constexpr Phrase kGreeting{220, "", "$1 LMTP handoff ready"};
inline constexpr Phrase kHello{250, "", "$1"};
inline constexpr Phrase kBye{221, "2.0.0", "$1 closing connection"};
inline constexpr Phrase kOk{250, "2.0.0", "ok"};
inline constexpr Phrase kHelp{214, "2.0.0",
                              "commands: LHLO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT\n"
                              "this is LMTP (RFC 2033): one reply for each recipient after the "
                              "data; see handoffd(8)"};
inline constexpr Phrase kHelpOn{214, "2.0.0", "syntax: $1"};
inline constexpr Phrase kShutdown{421, "4.3.2", "$1 shutting down, try again soon"};
inline constexpr Phrase kTimeout{421, "4.4.2", "$1 waited $2 s for input, closing"};
inline constexpr Phrase kOthersWait{421, "4.3.2",
                                    "$1 waited $2 s for a command and others wait, connect again"};
inline constexpr Phrase kTooManyErrors{421, "4.7.0", "$1 too many errors, closing"};
inline constexpr Phrase kTooManyConnections{421, "4.7.0",
                                            "$1 has too many connections, see "
                                            "workers.max-per-client"};
inline constexpr Phrase kTooManyIdleCommands{421, "4.7.0",
                                             "$1 got $2 commands without a message, closing"};
inline constexpr Phrase kOldSession{421, "4.3.2",
                                    "$1 session has lasted its maximum time, connect again"};
inline constexpr Phrase kNotAllowed{554, "5.7.1", "$1 is not in the networks of the setting allow"};

inline constexpr Phrase kNoProxyHeader{421, "4.7.0",
                                       "$1 sent no PROXY header, which proxy-protocol requires"};
inline constexpr Phrase kNotProxy{421, "4.7.0", "PROXY is for peers in the setting proxy-protocol"};
inline constexpr Phrase kPort25{554, "5.3.5", "LMTP must not be used on TCP port 25 (RFC 2033 5)"};

// Commands.
inline constexpr Phrase kLineTooLong{500, "5.5.2", "line too long"};
inline constexpr Phrase kBadLine{500, "5.5.2", "bare CR, bare LF or NUL in a command line"};
inline constexpr Phrase kUnknownVerb{500, "5.5.1", "command not recognised"};
inline constexpr Phrase kNotSmtp{500, "5.5.1", "this is LMTP, not SMTP: send LHLO (RFC 2033 4.1)"};
inline constexpr Phrase kNoExpn{502, "5.5.1", "EXPN is not implemented"};
inline constexpr Phrase kNeedsArgument{501, "5.5.4", "syntax: $1"};
inline constexpr Phrase kNoArgument{501, "5.5.4", "$1 takes no argument"};
inline constexpr Phrase kLhloFirst{503, "5.5.1", "say LHLO first"};
inline constexpr Phrase kNestedMail{503, "5.5.1", "a transaction is already open: RSET ends it"};
inline constexpr Phrase kMailFirst{503, "5.5.1", "say MAIL first"};
inline constexpr Phrase kNoRecipients{503, "5.5.1", "no recipient was accepted"};
inline constexpr Phrase kContentBegun{503, "5.5.1", "the content has begun: send BDAT or RSET"};
inline constexpr Phrase kNotAfterBdat{503, "5.5.1", "DATA cannot follow BDAT (RFC 3030 2)"};
inline constexpr Phrase kBinaryNeedsBdat{503, "5.5.1", "BODY=BINARYMIME needs BDAT (RFC 3030 3)"};
inline constexpr Phrase kBadParameter{501, "5.5.4", "malformed or repeated parameter: $1"};
inline constexpr Phrase kUnknownParameter{555, "5.5.4", "parameter not recognised: $1"};
inline constexpr Phrase kBadChunk{501, "5.5.4", "syntax: BDAT octets [LAST]"};

inline constexpr Phrase kTooManyTransactions{
    421, "4.3.2", "$1 has served $2 transactions here, connect again", "limit"};
inline constexpr Phrase kNotTrusted{550, "5.7.0", "$1 is for peers in the setting trusted"};
inline constexpr Phrase kInTransaction{503, "5.5.1", "$1 is not allowed in a transaction"};
inline constexpr Phrase kBadAttribute{501, "5.5.4", "malformed or unknown attribute: $1"};
inline constexpr Phrase kNoTls{502, "5.5.1", "STARTTLS is not offered here"};
inline constexpr Phrase kTlsAlready{503, "5.5.1", "TLS is already in use"};
inline constexpr Phrase kTlsReady{220, "2.0.0", "ready for TLS"};
inline constexpr Phrase kTlsFirst{530, "5.7.0", "say STARTTLS first", "unprotected"};
inline constexpr Phrase kNoAuth{502, "5.5.1", "AUTH is not offered here"};
inline constexpr Phrase kAuthFirst{530, "5.7.0", "say AUTH first", "unprotected"};
inline constexpr Phrase kAuthAlready{503, "5.5.1", "authenticated already"};
inline constexpr Phrase kBadMechanism{504, "5.5.4", "mechanism not offered: $1"};
inline constexpr Phrase kAuthCancelled{501, "5.7.0", "authentication cancelled"};
inline constexpr Phrase kBadBase64{501, "5.5.2", "the response is not base64 (RFC 4954 4)"};
inline constexpr Phrase kAuthChallenge{334, "", "$1"};
inline constexpr Phrase kAuthOk{235, "2.7.0", "authenticated"};
inline constexpr Phrase kAuthFailed{535, "5.7.8", "authentication failed"};
inline constexpr Phrase kAuthUnavailable{454, "4.7.0", "authentication is not possible right now"};

// Addresses.
inline constexpr Phrase kSenderOk{250, "2.1.0", "ok"};
inline constexpr Phrase kBadSender{501, "5.1.7", "bad sender address: $1"};
inline constexpr Phrase kRecipientOk{250, "2.1.5", "ok"};
inline constexpr Phrase kBadRecipient{501, "5.1.3", "bad recipient address: $1"};
inline constexpr Phrase kNeedsUtf8{553, "5.6.7", "address beyond ASCII needs SMTPUTF8: $1"};
inline constexpr Phrase kUnknownRecipient{550, "5.1.1", "<$1> no such mailbox here",
                                          "unknown_recipient"};
inline constexpr Phrase kNotServed{550, "5.7.1", "<$1> domain not served here",
                                   "domain_not_served"};
inline constexpr Phrase kNewOwner{550, "5.7.17", "<$1> has a new owner (RRVS)", "new_owner"};
inline constexpr Phrase kMailboxBusy{451, "4.3.2", "<$1> has too many deliveries in progress",
                                     "mailbox_busy"};
inline constexpr Phrase kMailboxSlow{451, "4.4.5", "<$1> is too slow at the moment",
                                     "mailbox_slow"};
inline constexpr Phrase kOverQuota{452, "4.2.2", "<$1> has no room for the message: over quota",
                                   "quota"};
inline constexpr Phrase kOverQuotaForGood{552, "5.2.2",
                                          "<$1> has no room for the message: over quota", "quota"};
inline constexpr Phrase kTooManyRecipients{452, "4.5.3", "more than $1 recipients, send <$2> again",
                                           "too_many_recipients"};
// A recipient whose mailbox is at another host. That host's own replies are passed on.
inline constexpr Phrase kBackendDown{451, "4.4.1", "<$1> is at $2, which cannot be reached",
                                     "backend"};
inline constexpr Phrase kBackendLost{451, "4.4.2", "<$1> is at $2, and the connection was lost",
                                     "backend"};
inline constexpr Phrase kBackendNotAllowed{
    451, "4.3.5", "<$1> is at $2, see proxy.networks and proxy.ports", "backend"};
inline constexpr Phrase kBackendTooSimple{451, "4.3.3", "<$1> is at $2, which does not offer $3",
                                          "backend"};
inline constexpr Phrase kProxyLoop{451, "4.4.6", "<$1> has passed $2 proxies, a loop", "loop"};
inline constexpr Phrase kVerified{250, "2.1.5", "<$1>"};
inline constexpr Phrase kCannotVerify{252, "2.1.5", "<$1> not verified, try RCPT"};

// Content.
inline constexpr Phrase kStart{354, "", "end with <CRLF>.<CRLF>"};
inline constexpr Phrase kChunkOk{250, "2.0.0", "$1 octets received"};
inline constexpr Phrase kDelivered{250, "2.0.0", "<$1> delivered"};
inline constexpr Phrase kTooLarge{552, "5.3.4", "message of $1 octets exceeds the limit of $2",
                                  "too_large"};
inline constexpr Phrase kNoRoom{452, "4.3.1", "not enough free space for $1 octets", "no_room"};
inline constexpr Phrase kLowSpace{452, "4.3.1", "not enough free space on the mail spool",
                                  "no_room"};
inline constexpr Phrase kBareNewline{550, "5.6.11", "bare CR or bare LF in the message",
                                     "bare_newline"};
inline constexpr Phrase kTooManyHops{554, "5.4.6", "more than $1 Received: lines, a mail loop",
                                     "loop"};
inline constexpr Phrase kDeliveredBefore{554, "5.4.6",
                                         "<$1> is in more than $2 Delivered-To: lines, "
                                         "a mail loop",
                                         "loop"};

// RFC 5429 2.1.1.
inline constexpr Phrase kScriptRejects{550, "5.7.1", "<$1> $2", "script"};

}  // namespace handoff::lmtp::say
