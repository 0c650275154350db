// The effective configuration, typed. Everything else takes what it needs from here; nothing else
// reads the file or the command line. The table that declares each setting is settings.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.hh"
#include "base/network.hh"
#include "base/recipient_rules.hh"
#include "base/share.hh"

namespace handoff::conf {

using std::chrono::seconds;

enum class BareNewlines { kKeep, kReject };
enum class Newline { kLf, kCrlf };
enum class DeliveredTo { kAuto, kAlways, kNever };
enum class Sync { kAuto, kPlain };
enum class Case { kFold, kKeep };
enum class QuotaOver { kDefer, kBounce };
enum class LogTo { kSyslog, kStderr };
enum class LogFormat { kText, kJson };
enum class LogLevel { kError, kWarning, kInfo, kDebug };

struct Config {
  std::string hostname;  // default: gethostname()
  std::vector<Endpoint> listen;
  std::vector<Network> allow;      // TCP clients; default: loopback
  std::vector<PeerGroup> trusted;  // who may use XFORWARD, XCLIENT and ORCPT
  std::string user;                // what workers run as; empty: whoever started us
  std::string group;               // empty: the user's
  std::string pid_file;            // empty: none
  seconds idle_exit{};             // of a server whose sockets were given to it; 0: never

  struct {
    std::uint32_t mode = 0;    // permission bits of unix sockets
    std::string owner, group;  // of unix sockets; empty: as created
    unsigned backlog = 0;
  } socket;

  struct {
    unsigned max = 0;  // processes
    unsigned min_idle = 0;
    unsigned max_idle = 0;
    std::uint64_t max_transactions = 0;  // then a worker retires; 0: never
    seconds progress_timeout{};          // without a step forward: then a worker is killed
  } workers;

  struct {
    std::uint64_t max_message_size = 0;  // octets
    unsigned max_recipients = 0;         // a transaction
    unsigned max_errors = 0;             // refused commands a session
    seconds command_timeout{};           // from one command to the end of the next
    seconds data_timeout{};              // without an octet of data
    seconds transaction_timeout{};       // from MAIL to the end of the data, however it trickles
  } session;

  struct {
    BareNewlines bare_newlines{};
    bool lenient_newlines = false;
  } protocol;

  struct {
    std::string path;
    std::string layout;  // "%d/%n"
    Newline newline{};
    DeliveredTo delivered_to{};
    Sync sync{};
    FolderEncoding folder_encoding{};
    std::vector<std::string> create_command;  // program and arguments; empty: we make mailboxes
    Share min_free;                           // octets, or a part of the filesystem
    Share min_free_inodes;                    // inodes, likewise
    seconds sweep_every{};                    // 0: only at start
  } spool;

  struct {
    std::vector<std::string> lookups;  // "mailbox", "file:/etc/mail/recipients"; asked in order
    seconds lookup_timeout{};          // of one lookup of one recipient
    seconds cache_ttl{};               // of what a remote one said; 0: nothing is kept
    std::vector<std::string> domains;  // A-labels in small letters; none: any
    std::map<std::string, std::string, std::less<>> domain_aliases;
    std::string default_domain;   // empty: addresses need a domain (but postmaster)
    std::string delimiter;        // "+"; empty: no subaddresses
    Case fold{};                  // of the local part (recipients.case)
    bool create_folders = false;  // for user+detail
    unsigned max_concurrent = 0;  // deliveries to one mailbox at a time; 0: any number
    seconds slow_after{};         // what one delivery takes in a slow mailbox
    unsigned slow_limit = 0;      // slow ones in a row, then it is put off; 0: never
    seconds slow_pause{};         // for how long
  } recipients;

  struct {
    unsigned first_uid = 0;  // no mail is delivered as a user below it
    seconds timeout{};       // of one delivery as another user
  } delivery;

  struct {
    std::uint64_t size = 0;      // octets a mailbox may hold; 0: any amount
    std::uint64_t messages = 0;  // 0: any number
    QuotaOver over{};
    std::vector<std::string> warn_command;  // program and arguments; empty: nobody is warned
    std::vector<unsigned> warn_at;          // percent, rising
  } quota;

  struct {
    bool guard = false;  // retries after unread replies are recognised
    seconds window{};    // for how long
  } duplicates;

  struct {
    std::string certificate;     // file; empty: no TLS
    std::string key;             // file; empty: in the certificate's
    std::string client_ca;       // file; empty: clients are asked for no certificate
    std::string ciphers;         // of TLS 1.2; empty: the library's default
    bool only_1_3 = false;       // tls.min-version
    bool trust_clients = false;  // those with a certificate of client_ca may use XFORWARD and so on
    bool required = false;       // TCP clients need TLS before MAIL
  } tls;

  struct {
    std::vector<std::string> mechanisms;  // in capitals; none: AUTH is not offered
    std::string service;                  // what SASL calls us
    std::string sasl_path;                // directory of handoff.conf; empty: the library's own
    bool required = false;                // TCP clients need AUTH before MAIL
  } auth;

  struct {
    std::vector<std::string> command;  // program and arguments; empty: DSN is not offered
    seconds timeout{};                 // for one report
  } dsn;

  struct {
    LogTo to{};
    LogFormat format{};
    LogLevel level{};
    std::string facility;
  } log;

  std::string control_socket;

  struct {
    std::optional<Endpoint> listen;  // nothing: no metrics and no page
    bool show_addresses = false;
  } http;

  RecipientRules recipient_rules() const;
  // Whether a lookup may name users that mailboxes belong to.
  bool may_have_owners() const;
};

}  // namespace handoff::conf
