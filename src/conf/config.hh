// The effective configuration, typed. Other code takes what it needs from here and never reads the
// file or the command line. The table that declares each setting is in settings.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/choices.hh"
#include "base/endpoint.hh"
#include "base/lookup_kind.hh"
#include "base/network.hh"
#include "base/recipient_rules.hh"
#include "base/share.hh"
#include "sys/account.hh"
#include "sys/log.hh"

namespace handoff::conf {

using std::chrono::seconds;

enum class BareNewlines { kKeep, kReject };
enum class Newline { kLf, kCrlf };
enum class Case { kFold, kKeep };
enum class QuotaOver { kDefer, kBounce };
enum class Proxy { kAuto, kYes, kNo };
enum class LogTo { kSyslog, kStderr };

struct Config {
  std::string hostname;  // default: gethostname()
  std::vector<Endpoint> listen;
  std::vector<Network> allow;      // TCP clients; default: loopback
  std::vector<PeerGroup> trusted;  // peers that may use XFORWARD, XCLIENT and ORCPT
  std::vector<PeerGroup> proxies;  // peers that must send a PROXY header first
  std::string user;                // that workers run as; empty: the user that started handoffd
  std::string group;               // empty: the user's
  std::string pid_file;            // empty: none
  seconds idle_exit{};  // of a server that got its sockets from a service manager; 0: never

  struct {
    std::uint32_t mode = 0;    // permission bits of unix sockets
    std::string owner, group;  // of unix sockets; empty: as created
    unsigned backlog = 0;
  } socket;

  struct {
    unsigned max = 0;  // processes
    unsigned min_idle = 0;
    unsigned max_idle = 0;
    Share max_per_client;                // workers, or a percentage of max; 0: unlimited
    std::uint64_t max_transactions = 0;  // a worker retires after this number; 0: never
    seconds progress_timeout{};          // a worker that makes no progress for this long is killed
  } workers;

  struct {
    std::uint64_t max_message_size = 0;  // octets
    unsigned max_recipients = 0;         // per transaction
    unsigned max_errors = 0;             // refused commands per session
    seconds command_timeout{};           // from one command to the end of the next
    seconds stress_timeout{};            // the same while other connections wait
    seconds data_timeout{};              // without receiving any octet of data
    seconds max_time{};                  // after this it ends before the next transaction
    seconds transaction_timeout{};       // from MAIL to the end of the data
  } session;

  struct {
    BareNewlines bare_newlines{};
    bool lenient_newlines = false;
    bool lenient_addresses = false;  // accept no brackets, or several spaces or a tab before them
    unsigned max_delivered_to = 0;   // fields that name the mailbox; 0: unlimited
  } protocol;

  struct {
    std::string path;
    std::string layout;  // "%d/%n"
    Newline newline{};
    DeliveredTo delivered_to{};
    Sync sync{};
    FolderEncoding folder_encoding{};
    std::vector<std::string> create_command;  // program and arguments; empty: not needed
    Share min_free;                           // octets, or a percentage of the filesystem
    Share min_free_inodes;                    // inodes, or a percentage
    seconds sweep_every{};                    // 0: only at start
  } spool;

  struct {
    std::vector<LookupSetting> lookups;  // asked in order
    seconds lookup_timeout{};            // for one lookup of one recipient
    seconds cache_ttl{};                 // for an answer of a remote lookup; 0: no cache
    std::vector<std::string> domains;    // A-labels in lower case; empty: any
    std::map<std::string, std::string, std::less<>> domain_aliases;
    std::string default_domain;   // empty: addresses need a domain, except postmaster
    std::string delimiter;        // "+"; empty: no subaddresses
    Case fold{};                  // of the local part (recipients.case)
    bool create_folders = false;  // for user+detail
    unsigned max_concurrent = 0;  // simultaneous deliveries to one mailbox; 0: unlimited
    seconds slow_after{};         // a delivery that takes longer is slow
    unsigned slow_limit = 0;      // slow deliveries in a row before the pause; 0: never
    seconds slow_pause{};         // the length of the pause
  } recipients;

  struct {
    Proxy enabled{};                   // kAuto: if a line of a table names a host
    std::vector<Network> networks;     // of backends
    std::vector<std::uint16_t> ports;  // of backends; 0: any
    seconds timeout{};                 // for a backend to connect and to answer a command
    seconds delivery_timeout{};        // for a backend to deliver
  } proxy;

  struct {
    unsigned first_uid = 0;  // no mail is delivered as a user with a lower id
    unsigned first_gid = 0;  // or in a group with a lower id
    seconds timeout{};       // for one delivery as another user
  } delivery;

  struct {
    std::uint64_t size = 0;      // octets in a mailbox; 0: unlimited
    std::uint64_t messages = 0;  // 0: unlimited
    QuotaOver over{};
    std::vector<std::string> warn_command;  // program and arguments; empty: no warnings
    std::vector<unsigned> warn_at;          // percent, ascending
  } quota;

  struct {
    bool guard = false;  // detect retries that follow unread replies
    seconds window{};    // for this long
  } duplicates;

  struct {
    std::string certificate;     // file; empty: no TLS
    std::string key;             // file; empty: in the certificate's file
    std::string client_ca;       // file; empty: clients are not asked for a certificate
    std::string ciphers;         // for TLS 1.2; empty: the library's default
    bool only_1_3 = false;       // tls.min-version
    bool trust_clients = false;  // clients with a certificate signed by client_ca are trusted peers
    bool required = false;       // TCP clients need TLS before MAIL
  } tls;

  struct {
    std::vector<std::string> mechanisms;  // in upper case; empty: AUTH is not offered
    std::string service;                  // our service name for SASL
    std::string sasl_path;                // directory of handoff.conf; empty: the library's default
    bool required = false;                // TCP clients need AUTH before MAIL
  } auth;

  struct {
    std::vector<std::string> command;  // program and arguments; empty: DSN is not offered
    seconds timeout{};                 // for one report
  } dsn;

  struct {
    bool enabled = false;             // sieve.enabled
    std::string script;               // template of the personal script's path
    std::string include_directory;    // template: scripts of include :personal
    std::string global_directory;     // scripts of include :global; empty: none
    std::vector<std::string> before;  // scripts that run before the personal one
    std::vector<std::string> after;
    std::string fallback;  // the script of users without one (sieve.default); empty: none
    seconds timeout{};     // for the scripts of one recipient
    bool rejects = true;   // sieve.reject = reply
    std::uint64_t max_script_size = 0;  // octets
    unsigned max_actions = 0;           // of one message
    unsigned max_redirects = 0;         // likewise
    std::uint64_t max_steps = 0;        // of one run
    std::string spamtest;               // conf/scanner.hh; empty: there is no scanner
    std::string virustest;              // likewise
    std::vector<std::string> sendmail;  // program and arguments
    seconds sendmail_timeout{};         // for one message
  } sieve;

  struct {
    LogTo to{};
    sys::LogFormat format{};
    sys::Level level{};
    std::string facility;
  } log;

  std::string control_socket;
  std::string cluster;  // cluster.name; empty: no other host may wait for the spool

  struct {
    std::optional<Endpoint> listen;  // nothing: no metrics and no page
    bool show_addresses = false;
  } http;

  // Where each setting was set: "/etc/handoffd.conf:12". A setting with its default is missing.
  std::map<std::string, std::string, std::less<>> origins;

  // Returns `error`, which the value of `setting` caused, with the place where it was set.
  Error locate(std::string_view setting, Error error) const;
  // Returns the account that workers run as. Requires that `user` is set. May block.
  Result<sys::Account> account() const;
  RecipientRules recipient_rules() const;
  // Returns whether mail is passed on to hosts that lookups name. `tables_name_hosts`: a table
  // does.
  bool passes_on(bool tables_name_hosts) const {
    return proxy.enabled == Proxy::kYes || (proxy.enabled == Proxy::kAuto && tables_name_hosts);
  }
  // The directory of this host for a spool that other hosts can use too: beside the control socket.
  std::string run_directory() const;
  // Whether a lookup may name the users who own mailboxes.
  bool may_have_owners() const;
};

}  // namespace handoff::conf
