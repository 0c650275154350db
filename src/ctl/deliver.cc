#include "ctl/deliver.hh"

#include <sysexits.h>

#include <boost/program_options.hpp>
#include <iostream>
#include <optional>

#include "base/endpoint.hh"
#include "base/text.hh"
#include "conf/command_line.hh"
#include "ctl/lmtp_client.hh"
#include "ctl/paint.hh"
#include "ctl/progress.hh"
#include "lmtp/path.hh"
#include "sys/files.hh"
#include "sys/process.hh"
#include "sys/sockets.hh"
#include "sys/stream.hh"
#include "sys/terminal.hh"

namespace handoff::ctl {
namespace {

namespace po = boost::program_options;
using conf::ConfigError;

constexpr std::chrono::seconds kConnect{30};

struct Options {
  Letter letter;
  std::optional<Endpoint> to;
};

// "<pat@example.org>" or "pat@example.org" -> "pat@example.org". It goes to the server as it is,
// so it must be what RFC 5321 4.1.2 calls a path, in which no line end can hide.
std::string path_of(std::string_view text) {
  auto bare = text;
  if (bare.starts_with('<') && bare.ends_with('>')) bare = bare.substr(1, bare.size() - 2);
  auto path = lmtp::parse_mailbox(bare, {.null_allowed = false, .bare_local = true});
  if (path.fault == lmtp::PathFault::kSyntax) {
    throw ConfigError(escape(text) + ": not an address", EX_USAGE);
  }
  return std::string(bare);
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
    if (!from.empty() && from != "<>") out.letter.sender = path_of(from);
  }
  if (given.contains("to")) {
    auto text = given["to"].as<std::string>();
    out.to = parse_endpoint(text);
    if (!out.to) {
      throw ConfigError(escape(text) + ": must be unix:PATH or tcp:HOST:PORT", EX_USAGE);
    }
  }
  if (!given.contains("recipient")) throw ConfigError("deliver: to whom?", EX_USAGE);
  for (const auto& recipient : given["recipient"].as<std::vector<std::string>>()) {
    out.letter.recipients.push_back(path_of(recipient));
  }
  return out;
}

}  // namespace

int deliver(const Invocation& invocation) {
  auto options = read_options(invocation.arguments);
  std::string host;
  if (!options.to || !invocation.config_file.empty()) {
    auto config = conf::load_file(invocation.config_file).config;
    if (!options.to) options.to = config.listen.front();
    host = config.hostname;
  } else {
    host = sys::host_name();
  }

  // What is known of the size, for a server that would rather refuse now than after the data.
  sys::Fd input(sys::kStandardInput);
  if (auto info = sys::PosixFiles().info(input); info && info.value().is_regular) {
    options.letter.size = info.value().size;
  }
  sys::Stream message(std::move(input), sys::Fd());
  bool watched = sys::terminal_lines(sys::kStandardError).has_value();
  Progress progress(watched ? &std::cerr : nullptr, options.letter.size, sys::Steady::now());
  auto read = [&](char* buffer, std::size_t size) -> Result<std::size_t> {
    // As long as whoever writes it takes: the server has the deadlines.
    auto got = message.read(buffer, size, sys::Deadline::max(), false);
    progress.add(got.size, sys::Steady::now());
    if (got.got == sys::Stream::Got::kOctets) return got.size;
    progress.sent();
    if (got.got == sys::Stream::Got::kEnd) return std::size_t{0};
    return Error{EIO, "read the message from standard input", {}};
  };

  auto socket = sys::connect_to(*options.to, sys::Steady::now() + kConnect);
  if (!socket) {
    std::cerr << "handoffctl: " << socket.error().describe() << "\n";
    return EX_TEMPFAIL;
  }
  sys::Stream stream(std::move(socket).value());
  LmtpClient client(stream, host);
  auto paint = Paint::on(sys::kStandardError);
  auto outcomes = client.deliver(options.letter, read, [&](const Outcome& outcome) {
    progress.clear();
    std::cerr << outcome.line(paint) << std::endl;
  });
  return exit_code(outcomes);
}

}  // namespace handoff::ctl
