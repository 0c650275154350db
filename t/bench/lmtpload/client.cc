#include "lmtpload/client.hh"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.hh"
#include "sys/sockets.hh"

namespace handoff::bench {
namespace {

constexpr std::chrono::seconds kConnectTime{20};
constexpr std::size_t kCopied = 64 << 10;  // octets of the content

}  // namespace

Client::Client(const Plan& plan, Tally& tally, std::uint64_t number, std::uint64_t first_id)
    : plan_(plan),
      tally_(tally),
      next_id_(first_id),
      mailbox_(number * plan.mailboxes / plan.connections) {}

void Client::connect() {
  auto socket = sys::connect_to(plan_.endpoint, Clock::now() + kConnectTime);
  if (!socket) return fail(socket.error().describe());
  socket_ = std::move(socket).value();
  phase_ = Phase::kGreeting;
  due_.assign(1, 220);
  input_.clear();
}

void Client::start(Clock::time_point end) {
  end_ = end;
  started_ = true;
  if (phase_ == Phase::kReady) begin();
}

void Client::go_on() {
  write_out();
  read_replies();
}

void Client::read_replies() {
  std::array<char, 16 << 10> buffer;
  while (!done()) {
    auto n = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return fail(n == 0 ? "the server closed" : std::strerror(errno));
    input_.append(buffer.data(), static_cast<std::size_t>(n));
    std::size_t from = 0;
    for (auto at = input_.find('\n'); at != input_.npos; at = input_.find('\n', from)) {
      take(std::string_view(input_).substr(from, at - from));
      from = at + 1;
      if (done()) return;
    }
    input_.erase(0, from);
    if (static_cast<std::size_t>(n) < buffer.size()) return;
  }
}

void Client::take(std::string_view line) {
  if (line.size() > 3 && line[3] == '-') return;  // RFC 5321 4.2.1: more lines follow
  auto code = parse_number(line.substr(0, 3));
  if (due_.empty() || code != static_cast<std::uint64_t>(due_.front())) {
    return fail((due_.empty() ? "nothing" : std::to_string(due_.front())) + " was expected, not " +
                std::string(line));
  }
  due_.pop_front();
  if (due_.empty()) all_came();
}

void Client::all_came() {
  switch (phase_) {
    case Phase::kGreeting:
      due_.assign(1, 250);
      return send("LHLO load.test\r\n", Phase::kLhlo);
    case Phase::kLhlo:
      if (started_) return begin();
      phase_ = Phase::kReady;
      ++tally_.ready;
      return;
    case Phase::kCommands:
      if (commands_.empty()) return send_content();
      due_.assign(1, commands_.size() == 1 && !plan_.chunking ? 354 : 250);
      if (commands_.size() == 1 && plan_.chunking) {  // the content needs no permission
        due_.clear();
        send(std::move(commands_.front()), Phase::kCommands);
        commands_.clear();
        return send_content();
      }
      send(std::move(commands_.front()), Phase::kCommands);
      commands_.pop_front();
      return;
    case Phase::kContent:
      tally_.from_dot.add(static_cast<std::uint64_t>((Clock::now() - dot_).count()));
      ++tally_.messages;
      if (Clock::now() <= end_) ++tally_.in_time;
      tally_.deliveries += plan_.recipients;
      if (!plan_.reconnect) return begin();
      due_.assign(1, 221);
      return send("QUIT\r\n", Phase::kQuit);
    case Phase::kQuit:
      socket_.reset();
      phase_ = Phase::kDone;
      if (plan_.reconnect && Clock::now() < end_ &&
          (plan_.messages == 0 || begun_ < plan_.messages)) {
        connect();
      }
      return;
    case Phase::kReady:
    case Phase::kDone:
      return;
  }
}

void Client::begin() {
  if (Clock::now() >= end_ || (plan_.messages != 0 && begun_ == plan_.messages)) {
    due_.assign(1, 221);
    return send("QUIT\r\n", Phase::kQuit);
  }
  ++begun_;
  auto commands = make_commands(plan_, mailbox_);
  mailbox_ += plan_.recipients;
  commands_.assign(std::make_move_iterator(commands.begin()),
                   std::make_move_iterator(commands.end()));
  phase_ = Phase::kCommands;
  if (!plan_.pipelining) return all_came();
  std::string text;
  for (const auto& command : commands_) text += command;
  commands_.clear();
  due_.assign(plan_.recipients + 1, 250);
  if (!plan_.chunking) due_.push_back(354);
  send(std::move(text), Phase::kCommands);
  if (plan_.chunking) send_content();
}

void Client::send(std::string text, Phase phase) {
  phase_ = phase;
  text_ = std::move(text);
  output_ = text_;
  write_out();
}

// Send the remaining commands first (for a chunk). Most of a large content is sent directly from
// the plan.
void Client::send_content() {
  phase_ = Phase::kContent;
  due_.insert(due_.end(), plan_.recipients, 250);
  std::string_view content = plan_.content;
  text_ = std::string(output_) + message_id(next_id_++);
  text_ += content.substr(0, kCopied);
  output_ = text_;
  rest_ = content.substr(std::min(kCopied, content.size()));
  write_out();
}

void Client::write_out() {
  while (!output_.empty() && !done()) {
    auto n = ::send(socket_.get(), output_.data(), output_.size(), MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n < 0) return fail(std::strerror(errno));
    output_.remove_prefix(static_cast<std::size_t>(n));
    if (output_.empty()) output_ = std::exchange(rest_, {});
    if (output_.empty() && phase_ == Phase::kContent) dot_ = Clock::now();
  }
}

void Client::fail(const std::string& what) {
  if (tally_.failure.empty()) tally_.failure = what;
  socket_.reset();
  output_ = rest_ = {};
  phase_ = Phase::kDone;
}

}  // namespace handoff::bench
