// One LMTP client: a connection and the state of its transaction. Only connecting may block: the
// loop in main.cc calls go_on() when the socket is readable. Each reply must be the expected one.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "histogram.hh"
#include "lmtpload/plan.hh"
#include "sys/fd.hh"

namespace handoff::bench {

// The sums of all clients of a run.
struct Tally {
  std::uint64_t ready = 0;    // clients that have received the reply to LHLO
  std::uint64_t in_time = 0;  // messages whose last reply came before the end
  Histogram from_dot;  // from writing the last octet of the content to reading the last reply
  std::uint64_t messages = 0;
  std::uint64_t deliveries = 0;
  std::string failure;  // the first error
};

class Client {
 public:
  // Starts with its own mailbox and cycles through all mailboxes. `first_id`: the first number of
  // its messages.
  Client(const Plan& plan, Tally& tally, std::uint64_t number, std::uint64_t first_id);

  // Waits while the backlog of the server is full. Errors, here and below, are recorded in the
  // tally.
  void connect();
  void go_on();
  // When ready, begins its first message. Begins no message after `end`.
  void start(Clock::time_point end);

  int socket() const { return socket_.get(); }  // a new one after each connect()
  bool wants_to_write() const { return !output_.empty(); }
  bool done() const { return phase_ == Phase::kDone; }

 private:
  enum class Phase { kGreeting, kLhlo, kReady, kCommands, kContent, kQuit, kDone };

  void read_replies();
  void take(std::string_view line);
  void all_came();
  void begin();
  void send(std::string text, Phase phase);
  void send_content();
  void write_out();
  void fail(const std::string& what);

  const Plan& plan_;
  Tally& tally_;
  Clock::time_point end_{};
  bool started_ = false;
  sys::Fd socket_;
  Phase phase_ = Phase::kGreeting;
  std::deque<int> due_;               // codes of the expected replies
  std::deque<std::string> commands_;  // commands of this transaction that were not sent yet
  std::string text_;
  std::string_view output_;  // not written yet, of text_ or of the content
  std::string_view rest_;    // of the content, after output_
  std::uint64_t next_id_;
  std::string input_;
  Clock::time_point dot_;
  std::uint64_t mailbox_;
  std::uint64_t begun_ = 0;  // messages
};

}  // namespace handoff::bench
