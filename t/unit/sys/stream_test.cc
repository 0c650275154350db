// The octets of a connection; every wait ends at its deadline (S13) or with a stop (S11).
#include "sys/stream.hh"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <vector>

#include "in_child.hh"
#include "sys/signals.hh"

using namespace handoff::sys;
using namespace std::chrono_literals;
using Got = Stream::Got;
using PeerEnd = Stream::PeerEnd;

namespace {

struct Pair {
  Fd near;
  Fd far;
};

Pair pair_of(int flags = SOCK_NONBLOCK) {
  std::array<int, 2> ends;
  BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | flags, 0, ends.data()) == 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

// Returns the two ends of a TCP connection.
Pair connection() {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto* address = reinterpret_cast<sockaddr*>(&at);
  Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
  Fd far(::socket(AF_INET, SOCK_STREAM, 0));
  BOOST_REQUIRE(::bind(listener.get(), address, size) == 0);
  BOOST_REQUIRE(::listen(listener.get(), 1) == 0);
  BOOST_REQUIRE(::getsockname(listener.get(), address, &size) == 0);
  BOOST_REQUIRE(::connect(far.get(), address, size) == 0);
  return {Fd(::accept(listener.get(), nullptr, nullptr)), std::move(far)};
}

// By POSIX, writing to a stream without a reader raises SIGPIPE; a worker ignores it.
struct NoSigpipe {
  NoSigpipe() { ::signal(SIGPIPE, SIG_IGN); }
  ~NoSigpipe() { ::signal(SIGPIPE, SIG_DFL); }
};

Deadline in(std::chrono::milliseconds time) { return Steady::now() + time; }

}  // namespace

BOOST_AUTO_TEST_SUITE(sys_stream)

BOOST_AUTO_TEST_CASE(available_input_is_read_without_waiting_for_more) {
  auto [near, far] = pair_of();
  BOOST_TEST(::write(far.get(), "LHLO", 4) == 4);
  Stream stream(std::move(near));
  std::array<char, 64> buffer;
  auto got = stream.read(buffer.data(), buffer.size(), in(1h), false);
  BOOST_CHECK(got.got == Got::kOctets);
  BOOST_TEST(std::string_view(buffer.data(), got.size) == "LHLO");
}

BOOST_AUTO_TEST_CASE(a_read_ends_at_its_deadline_S13) {
  auto [near, far] = pair_of();
  Stream stream(std::move(near));
  std::array<char, 64> buffer;
  auto begun = Steady::now();
  auto got = stream.read(buffer.data(), buffer.size(), in(50ms), false);
  auto took = Steady::now() - begun;
  BOOST_CHECK(got.got == Got::kTimeout);
  BOOST_TEST(got.size == 0u);
  BOOST_TEST((took >= 50ms));
  BOOST_TEST((took < 5s));
}

BOOST_AUTO_TEST_CASE(after_the_deadline_available_input_is_read_without_waiting) {
  auto [near, far] = pair_of();
  Stream stream(std::move(near));
  std::array<char, 64> buffer;
  auto past = Steady::now() - 1h;
  BOOST_CHECK(stream.read(buffer.data(), buffer.size(), past, false).got == Got::kTimeout);
  BOOST_TEST(::write(far.get(), "x", 1) == 1);
  BOOST_CHECK(stream.read(buffer.data(), buffer.size(), past, false).got == Got::kOctets);
}

BOOST_AUTO_TEST_CASE(the_end_is_reported_after_the_sent_octets) {
  auto [near, far] = pair_of();
  BOOST_TEST(::write(far.get(), "QUIT", 4) == 4);
  far.reset();
  Stream stream(std::move(near));
  std::array<char, 64> buffer;
  BOOST_CHECK(stream.read(buffer.data(), buffer.size(), in(1h), false).got == Got::kOctets);
  BOOST_CHECK(stream.read(buffer.data(), buffer.size(), in(1h), false).got == Got::kEnd);
}

BOOST_AUTO_TEST_CASE(a_large_write_is_finished_while_the_peer_reads) {
  constexpr std::size_t kSize = 4 << 20;
  auto [near, far] = pair_of();
  pid_t child = ::fork();
  if (child == 0) {
    far.reset();
    bool ok = Stream(std::move(near)).write(std::string(kSize, 'x'), in(20s)).ok();
    ::_exit(ok ? 0 : 1);
  }
  near.reset();
  Stream stream(std::move(far));
  std::vector<char> buffer(1 << 16);
  std::size_t total = 0;
  for (;;) {
    auto got = stream.read(buffer.data(), buffer.size(), in(20s), false);
    if (got.got != Got::kOctets) break;
    total += got.size;
  }
  BOOST_TEST(total == kSize);
  int status = -1;
  ::waitpid(child, &status, 0);
  BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_CASE(a_write_without_a_reader_is_ETIMEDOUT_at_its_deadline_S13) {
  auto [near, far] = pair_of();
  Stream stream(std::move(near));
  auto begun = Steady::now();
  auto written = stream.write(std::string(8 << 20, 'x'), in(50ms));
  BOOST_TEST(written.error().code == ETIMEDOUT);
  BOOST_TEST((Steady::now() - begun >= 50ms));
  BOOST_TEST((Steady::now() - begun < 5s));
}

BOOST_AUTO_TEST_CASE(a_write_to_a_peer_that_has_gone_is_EPIPE) {
  NoSigpipe guard;
  auto [near, far] = pair_of();
  Stream stream(std::move(near));
  BOOST_CHECK(stream.peer_end() == PeerEnd::kOpen);
  far.reset();
  BOOST_CHECK(stream.peer_end() == PeerEnd::kClosed);  // L12
  BOOST_TEST(stream.write("250 ok\r\n", in(1h)).error().code == EPIPE);
}

BOOST_AUTO_TEST_CASE(a_peer_that_has_only_ended_its_output_is_not_gone_L12) {
  auto [near, far] = pair_of();
  ::shutdown(far.get(), SHUT_WR);
  Stream stream(std::move(near));
  BOOST_CHECK(stream.peer_end() == PeerEnd::kHalfClosed);
  BOOST_TEST(stream.write("250 ok\r\n", in(1h)).ok());
}

BOOST_AUTO_TEST_CASE(a_peer_that_has_read_everything_closes_in_order_L12) {
  for (bool reads : {true, false}) {
    auto [near, far] = connection();
    Stream stream(std::move(near));
    BOOST_TEST(stream.write("250 ok\r\n421 bye\r\n", in(20s)).ok());
    stream.end_output();
    std::array<char, 64> buffer;
    if (reads) {
      while (::read(far.get(), buffer.data(), buffer.size()) > 0) {
      }
    } else {
      // The octets have arrived when this returns.
      BOOST_TEST(::recv(far.get(), buffer.data(), buffer.size(), MSG_PEEK) > 0);
    }
    far.reset();
    BOOST_TEST(stream.ends_in_order(in(20s)) == reads);
  }
}

BOOST_AUTO_TEST_CASE(a_peer_that_stays_silent_does_not_close_in_order_L12) {
  auto [near, far] = connection();
  Stream stream(std::move(near));
  stream.end_output();
  BOOST_TEST(!stream.ends_in_order(in(20ms)));
}

BOOST_AUTO_TEST_CASE(shared_descriptors_keep_their_mode_and_the_deadlines_hold) {
  auto [near, far] = pair_of(0);  // blocking, as from inetd
  auto keep = ::dup(near.get());
  Fd out(::dup(near.get()));
  Stream stream(std::move(near), std::move(out));
  std::array<char, 64> buffer;
  BOOST_CHECK(stream.read(buffer.data(), buffer.size(), in(20ms), false).got == Got::kTimeout);
  BOOST_TEST(stream.write(std::string(8 << 20, 'x'), in(50ms)).error().code == ETIMEDOUT);
  BOOST_TEST((::fcntl(keep, F_GETFL) & O_NONBLOCK) == 0);
  ::close(keep);
}

BOOST_AUTO_TEST_CASE(two_pipes_work_as_one_stream) {
  std::array<int, 2> in_ends;
  std::array<int, 2> out_ends;
  BOOST_REQUIRE(::pipe(in_ends.data()) == 0);
  BOOST_REQUIRE(::pipe(out_ends.data()) == 0);
  Fd to(in_ends[1]);
  Fd from(out_ends[0]);
  Stream stream((Fd(in_ends[0])), Fd(out_ends[1]));
  std::array<char, 64> buffer;
  BOOST_TEST(::write(to.get(), "NOOP\r\n", 6) == 6);
  BOOST_TEST(stream.read(buffer.data(), buffer.size(), in(1h), false).size == 6u);
  std::string reply(3000, 'y');  // more than one non-blocking write
  BOOST_TEST(stream.write(reply, in(1h)).ok());
  std::string back(4000, ' ');
  BOOST_TEST(::read(from.get(), back.data(), back.size()) == 3000);
  BOOST_TEST(stream.write(std::string(1 << 20, 'x'), in(50ms)).error().code == ETIMEDOUT);
  to.reset();
  BOOST_CHECK(stream.read(buffer.data(), buffer.size(), in(1h), false).got == Got::kEnd);
  BOOST_CHECK(stream.peer_end() == PeerEnd::kHalfClosed);
  from.reset();
  BOOST_CHECK(stream.peer_end() == PeerEnd::kClosed);
}

BOOST_AUTO_TEST_CASE(a_stop_ends_a_wait_that_is_stoppable_and_no_other_S11) {
  auto said = in_child([]() -> std::string {
    std::array<int, 2> ends;
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) != 0) return "no pair";
    Fd far(ends[1]);
    Stream stream((Fd(ends[0])));
    std::array<char, 64> buffer;
    auto read = [&](Deadline until, bool stoppable) {
      switch (stream.read(buffer.data(), buffer.size(), until, stoppable).got) {
        case Got::kOctets:
          return "octets ";
        case Got::kStop:
          return "stop ";
        case Got::kTimeout:
          return "timeout ";
        default:
          return "other ";
      }
    };
    catch_stop_signal();
    std::string out;
    ::kill(::getpid(), SIGTERM);  // blocked: it stays pending until a wait unblocks it
    out += stop_requested() ? "early " : "pending ";
    out += read(in(20ms), false);
    out += read(in(1h), true);
    out += stop_requested() ? "requested " : "lost ";
    out += read(in(1h), true);  // again: the flag stays
    if (::write(far.get(), "x", 1) != 1) return "write";
    out += read(in(1h), false);
    return out;
  });
  BOOST_TEST(said == "pending timeout stop requested stop octets ");
}

BOOST_AUTO_TEST_CASE(deadlines_also_apply_to_blocking_reads_S13) {
  auto [near, far] = pair_of(0);
  Stream stream(std::move(near));
  stream.wait_in_reads();
  std::array<char, 64> buffer;
  for (auto patience : {10ms, 120ms, 60ms}) {
    auto begun = Steady::now();
    auto got = stream.read(buffer.data(), buffer.size(), in(patience), false);
    BOOST_CHECK(got.got == Got::kTimeout);
    BOOST_TEST((Steady::now() - begun >= patience));
    BOOST_TEST((Steady::now() - begun < 5s));
  }
}

BOOST_AUTO_TEST_CASE(a_stop_is_noticed_although_the_peer_continues_to_send_S11) {
  for (bool waits_in_reads : {false, true}) {
    for (bool goes_on : {false, true}) {
      auto said = in_child([=]() -> std::string {
        auto [near, far] = pair_of(0);
        Stream stream(std::move(near));
        if (waits_in_reads) stream.wait_in_reads();
        catch_stop_signal();
        std::array<char, 64> buffer;
        auto begun = Steady::now();
        auto got = Got::kOctets;
        for (int i = 0; got == Got::kOctets && Steady::now() - begun < 10s; ++i) {
          if (i == 1) ::kill(::getpid(), SIGTERM);
          if ((goes_on || i == 0) && ::write(far.get(), "x", 1) != 1) return "write";
          got = stream.read(buffer.data(), buffer.size(), in(1h), true).got;
          if (i == 0 && got != Got::kOctets) return "nothing read";
        }
        return got == Got::kStop && Steady::now() - begun < 5s ? "stop" : "late";
      });
      BOOST_TEST(said == "stop");
    }
  }
}

BOOST_AUTO_TEST_CASE(the_signal_to_retire_is_distinguished_from_a_drain) {
  auto said = in_child([]() -> std::string {
    catch_stop_signal();
    std::string out;
    auto wait = [&] {
      auto waited = wait_for({}, Steady::now() + 1h, true);
      out += waited == Waited::kStop ? "stop " : "other ";
      out += only_retiring() ? "retires " : "drains ";
    };
    ::kill(::getpid(), kRetire);
    out += stop_requested() ? "early " : "pending ";
    wait();
    ::kill(::getpid(), SIGTERM);
    wait();  // the flag is set, so it does not wait, and SIGTERM stays pending
    std::array<pollfd, 0> none;
    ::ppoll(none.data(), 0, nullptr, wait_mask());
    wait();
    return out;
  });
  BOOST_TEST(said == "pending stop retires stop retires stop drains ");
}

BOOST_AUTO_TEST_CASE(after_catch_stop_signal_a_terminals_signals_and_sigpipe_do_not_kill) {
  auto said = in_child([]() -> std::string {
    catch_stop_signal();
    for (int signal : {SIGINT, SIGHUP, SIGPIPE}) ::raise(signal);
    return "alive";
  });
  BOOST_TEST(said == "alive");
}

BOOST_AUTO_TEST_SUITE_END()
