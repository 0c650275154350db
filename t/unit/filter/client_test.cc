// The worker's end of the connection, with filter processes that misbehave.
#include "filter/client.hh"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <functional>

#include "sys/files.hh"
#include "sys/frames.hh"
#include "sys/message_socket.hh"
#include "sys/process.hh"
#include "temporary_directory.hh"

using namespace handoff;
using namespace std::chrono_literals;

namespace {

class NoAnswers final : public filter::Answers {
 public:
  std::size_t asked = 0;

  Result<std::optional<sys::Fd>> script(sieve::ScriptPlace, const std::string&) override {
    return std::optional<sys::Fd>();
  }
  Result<bool> folder_exists(const std::string&) override {
    ++asked;
    return true;
  }
  Result<bool> special_use_exists(const std::string&, const std::string&) override { return false; }
  Result<bool> seen(const sieve::Mark&) override { return false; }
};

// Starts "filter processes", one after another, which run `serve` with their sockets.
sys::Fd start(const std::function<void(const sys::Fd& socket, int number)>& serve) {
  return sys::fork_server([&](const sys::Fd& starter) {
           for (int number = 0;; ++number) {
             auto message = sys::receive_message(starter, std::nullopt);
             if (!message || !message.value()) return 0;
             serve(message.value()->descriptor, number);
           }
         })
      .value();
}

struct Running {
  TemporaryDirectory place;
  sys::Files files;
  NoAnswers answers;

  Running() { place.write("message", "a: b\n\nbody\n"); }
  Result<filter::Verdict> run(filter::Client& client, std::chrono::milliseconds timeout = 20s) {
    auto message = files.open_followed(place.path("message")).value();
    return client.run({}, message, {}, answers, timeout);
  }
};

// Waits for the processes of a test, which end when their sockets are closed.
struct Reaper {
  ~Reaper() {
    while (::waitpid(-1, nullptr, 0) > 0) continue;
  }
};

void receive(const sys::Fd& socket) {
  static_cast<void>(sys::receive_frames(socket, 1 << 20, sys::Steady::now() + 20s).ok());
}

void send(const sys::Fd& socket, const std::string& octets) {
  static_cast<void>(sys::send_frames(socket, octets, nullptr, sys::Steady::now() + 20s).ok());
}

std::string good_verdict() {
  filter::Verdict verdict;
  verdict.plan.actions.emplace_back(sieve::Copy{});
  return filter::pack(verdict).value();
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(filter_client, Reaper)

BOOST_AUTO_TEST_CASE(after_a_filter_process_is_lost_the_next_run_is_by_another_one_F27) {
  Running running;
  filter::Client client(start([](const sys::Fd& socket, int number) {
    receive(socket);
    if (number > 0) send(socket, good_verdict());
    if (number > 0) receive(socket);
  }));
  BOOST_TEST(running.run(client).error().code == EPIPE);
  BOOST_TEST(!client.is_broken());
  auto verdict = running.run(client);
  BOOST_REQUIRE(verdict.ok());
  BOOST_TEST(verdict.value().plan.actions.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_filter_process_that_died_while_it_had_no_job_is_replaced_first_F27) {
  Running running;
  filter::Client client(start([](const sys::Fd& socket, int number) {
    if (number == 0) return;
    receive(socket);
    send(socket, good_verdict());
    receive(socket);
  }));
  // The first one has ended when the second one is started.
  client.replace();
  BOOST_TEST(running.run(client).ok());
}

BOOST_AUTO_TEST_CASE(a_filter_process_that_asks_without_end_is_replaced_F27) {
  Running running;
  filter::Question question;
  question.kind = filter::Question::Kind::kFolder;
  question.name = "A";
  auto octets = filter::pack(question).value();
  filter::Client client(start([&](const sys::Fd& socket, int number) {
    receive(socket);
    for (int i = 0; number == 0 && i < 100'000; ++i) {
      auto until = sys::Steady::now() + 20s;
      if (!sys::send_frames(socket, octets, nullptr, until)) return;
      receive(socket);
    }
    send(socket, good_verdict());
    receive(socket);
  }));
  BOOST_TEST(running.run(client).error().code == EPROTO);
  BOOST_TEST(running.answers.asked <= 1000u);
  BOOST_TEST(running.run(client).ok());
}

BOOST_AUTO_TEST_CASE(malformed_octets_end_the_filter_process_F27) {
  Running running;
  filter::Client client(start([](const sys::Fd& socket, int number) {
    receive(socket);
    send(socket, number == 0 ? "nonsense" : good_verdict());
    receive(socket);
  }));
  BOOST_TEST(running.run(client).error().code == EPROTO);
  BOOST_TEST(running.run(client).ok());
}

BOOST_AUTO_TEST_CASE(without_its_starter_the_worker_is_broken) {
  Running running;
  filter::Client client(sys::fork_server([](const sys::Fd&) { return 0; }).value());
  while (!client.is_broken()) client.replace();
  BOOST_TEST(running.run(client).error().code == EPIPE);
}

BOOST_AUTO_TEST_SUITE_END()
