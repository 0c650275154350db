// One LMTP client: a connection and where it stands in its transaction. Connecting may block;
// nothing else does: the loop in main.cc calls go_on() when the socket has something. Each reply
// must be the one that is due.
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

// What all clients of a run add to.
struct Tally {
  std::uint64_t ready = 0;    // clients that have their reply to LHLO
  std::uint64_t in_time = 0;  // messages whose last reply came before the end
  Histogram from_dot;         // the last octet of the content written -> the last reply read
  std::uint64_t messages = 0;
  std::uint64_t deliveries = 0;
  std::string failure;  // the first thing that was not as it should be
};

class Client {
 public:
  // Starts at a mailbox of its own, and goes round. `first_id`: of its messages, which count up.
  Client(const Plan& plan, Tally& tally, std::uint64_t number, std::uint64_t first_id);

  // Waits as long as the server's backlog is full. What fails, here and below, is in the tally.
  void connect();
  void go_on();
  // Once it is ready: begins its first message, and none after `end`.
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
  std::deque<int> due_;               // codes of the replies that are to come
  std::deque<std::string> commands_;  // of this transaction, not sent yet
  std::string text_;
  std::string_view output_;  // not written yet, of text_ or of the content
  std::string_view rest_;    // of the content, behind output_
  std::uint64_t next_id_;
  std::string input_;
  Clock::time_point dot_;
  std::uint64_t mailbox_;
  std::uint64_t begun_ = 0;  // messages
};

}  // namespace handoff::bench
