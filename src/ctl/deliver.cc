#include <boost/program_options.hpp>
#include <iostream>
#include <optional>

#include "base/endpoint.hh"
#include "base/text.hh"
#include "conf/command_line.hh"
#include "ctl/commands.hh"
#include "ctl/outcome.hh"
#include "ctl/progress.hh"
#include "lmtp/path.hh"
#include "proxy/lmtp_client.hh"
#include "recipients/kinds.hh"
#include "sys/files.hh"
#include "sys/process.hh"
#include "sys/sockets.hh"
#include "sys/stream.hh"
#include "sys/terminal.hh"

namespace handoff::ctl {
namespace {

namespace po = boost::program_options;
using conf::ConfigError;

constexpr std::chrono::seconds kConnectTimeout{30};

struct Options {
  proxy::Submission submission;
  std::optional<Endpoint> to;
};

// "<pat@example.org>" or "pat@example.org" -> "pat@example.org". It is sent unchanged, so it must
// be an address, which cannot contain a line end.
std::string path_of(std::string_view text) {
  auto bare = text;
  if (bare.starts_with('<') && bare.ends_with('>')) bare = bare.substr(1, bare.size() - 2);
  auto path = lmtp::parse_mailbox(bare, {.bare_local = true});
  if (path.fault == lmtp::PathFault::kSyntax) {
    throw ConfigError(escape(text) + ": not an address", EX_USAGE);
  }
  return std::string(bare);
}

// Like path_of, for a sender: the server also accepts senders that are not addresses.
std::string sender_of(std::string text) {
  if (!text.starts_with('<')) text = "<" + text + ">";
  auto path = lmtp::parse_sender(text);
  if (!path || !path->rest.empty()) throw ConfigError(escape(text) + ": not a sender", EX_USAGE);
  return text.substr(1, text.size() - 2);
}

Options read_options(const std::vector<std::string>& arguments) {
  po::options_description description;
  description.add_options()("from", po::value<std::string>())("to", po::value<std::string>())(
      "recipient", po::value<std::vector<std::string>>());
  po::positional_options_description positional;
  positional.add("recipient", -1);
  po::variables_map given;
  try {
    int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(arguments)
                  .options(description)
                  .positional(positional)
                  .style(style)
                  .run(),
              given);
  } catch (const po::error& e) {
    throw ConfigError(std::string("deliver: ") + e.what(), EX_USAGE);
  }
  Options out;
  if (given.contains("from")) {
    auto from = given["from"].as<std::string>();
    out.submission.sender = sender_of(from);
  }
  if (given.contains("to")) {
    auto text = given["to"].as<std::string>();
    out.to = parse_endpoint(text);
    if (!out.to) {
      throw ConfigError(escape(text) + ": must be unix:PATH or tcp:HOST:PORT", EX_USAGE);
    }
  }
  if (!given.contains("recipient")) throw ConfigError("deliver: a recipient is missing", EX_USAGE);
  for (const auto& recipient : given["recipient"].as<std::vector<std::string>>()) {
    out.submission.recipients.push_back(path_of(recipient));
  }
  return out;
}

}  // namespace

int deliver(Invocation invocation) {
  auto options = read_options(invocation.arguments);
  std::string host;
  if (!options.to || !invocation.config_file.empty()) {
    auto config = conf::load_file(invocation.config_file, recipients::parse_lookup).config;
    if (!options.to) options.to = config.listen.front();
    host = config.hostname;
  } else {
    host = sys::host_name();
  }

  // The size, if it is known, lets the server refuse before it receives the content.
  sys::Fd input(sys::kStandardInput);
  if (auto info = sys::Files().info(input); info && info.value().is_regular) {
    options.submission.size = info.value().size;
  }
  sys::Stream message(std::move(input), sys::Fd());
  bool is_terminal = sys::terminal_size(sys::kStandardError).has_value();
  Progress progress(is_terminal ? &std::cerr : nullptr, options.submission.size,
                    sys::Steady::now());
  auto read = [&](char* buffer, std::size_t size) -> Result<std::size_t> {
    // No deadline here: the server has its own.
    auto got = message.read(buffer, size, sys::Deadline::max(), false);
    progress.add(got.size, sys::Steady::now());
    if (got.got == sys::Stream::Got::kOctets) return got.size;
    progress.sent();
    if (got.got == sys::Stream::Got::kEnd) return std::size_t{0};
    return Error{EIO, "read the message from standard input", {}};
  };

  auto socket = sys::connect_to(*options.to, sys::Steady::now() + kConnectTimeout);
  if (!socket) {
    std::cerr << "handoffctl: " << socket.error().describe() << "\n";
    return EX_TEMPFAIL;
  }
  sys::Stream stream(std::move(socket).value());
  proxy::LmtpClient client(stream, host);
  auto colours = Colours::on(sys::kStandardError);
  auto outcomes = client.deliver(options.submission, read, [&](const Outcome& outcome) {
    progress.clear();
    std::cerr << line_of(outcome, colours) << std::endl;
  });
  return exit_code(outcomes);
}

}  // namespace handoff::ctl
