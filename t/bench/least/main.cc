// least: the smallest possible LMTP server, to measure the highest rate that a server on a socket
// can reach. Processes accept on a unix socket, answer every command with a fixed reply, and
// deliver the content by one of the sequences of t/bench/floor. Nothing is checked, no line is
// converted, no header is added, and no message that is sent again is recognised.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arguments.hh"
#include "base/endpoint.hh"
#include "floor/sequence.hh"
#include "sys/sockets.hh"

namespace handoff::bench {
namespace {

constexpr const char* kUsage =
    "usage: least --listen unix:PATH --spool DIR [--sequence plain] [--processes 64]\n"
    "             [--mailboxes 200]\n"
    "Delivers a message for uN@... to DIR/uN/new. --sequence as floor(1) names them.\n";
constexpr int kBacklog = 1024;
constexpr std::size_t kBuffer = 64 << 10;  // octets
constexpr std::string_view kEndOfContent = "\r\n.\r\n";

class Session {
 public:
  Session(int socket, const Sequence& sequence, Batch& batch, std::uint64_t& count)
      : socket_(socket), sequence_(sequence), batch_(batch), count_(count) {}

  // Returns when the client has closed the connection.
  void serve() {
    output_ = "220 least\r\n";
    for (;;) {
      while (take()) {
      }
      if (!write_out() || over_ || !read_more()) return;
    }
  }

 private:
  // Processes one command or the whole content; returns false if it is not complete.
  bool take() {
    std::string_view input = std::string_view(input_).substr(at_);
    if (chunk_) {
      if (input.size() < *chunk_) return false;
      deliver(input.substr(0, *chunk_));
      at_ += *chunk_;
      chunk_.reset();
      return true;
    }
    if (in_data_) {
      auto from = searched_ < kEndOfContent.size() ? 0 : searched_ - kEndOfContent.size();
      auto end = input.find(kEndOfContent, from);
      searched_ = input.size();
      if (end == input.npos) return false;
      deliver(input.substr(0, end + 2));
      at_ += end + kEndOfContent.size();
      in_data_ = false;
      return true;
    }
    auto end = input.find('\n');
    if (end == input.npos) return false;
    at_ += end + 1;
    command(input.substr(0, end));
    return true;
  }

  void command(std::string_view line) {
    auto verb = line.substr(0, 4);
    if (verb == "LHLO") {
      output_ += "250-least\r\n250-PIPELINING\r\n250 CHUNKING\r\n";
    } else if (verb == "RCPT") {
      auto begin = line.find('<') + 1;
      mailboxes_.emplace_back(line.substr(begin, line.find('@') - begin));
      output_ += "250 ok\r\n";
    } else if (verb == "DATA") {
      in_data_ = true;
      searched_ = 0;
      output_ += "354 go on\r\n";
    } else if (verb == "BDAT") {  // always LAST
      chunk_ = std::strtoull(std::string(line.substr(5)).c_str(), nullptr, 10);
    } else if (verb == "QUIT") {
      output_ += "221 bye\r\n";
      over_ = true;
    } else {
      output_ += "250 ok\r\n";
    }
  }

  void deliver(std::string_view content) {
    auto now = std::chrono::system_clock::now().time_since_epoch().count();
    auto name = std::to_string(now) + ".P" + std::to_string(::getpid()) + "Q" +
                std::to_string(count_++) + ".least";
    bench::deliver(sequence_, batch_, name, mailboxes_, content);
    for (auto left = mailboxes_.size(); left > 0; --left) output_ += "250 ok\r\n";
    mailboxes_.clear();
  }

  bool write_out() {
    std::string_view rest = output_;
    while (!rest.empty()) {
      auto n = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (n < 0) return false;
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
    output_.clear();
    return true;
  }

  bool read_more() {
    input_.erase(0, at_);
    at_ = 0;
    auto size = input_.size();
    input_.resize(size + kBuffer);
    auto n = ::recv(socket_, input_.data() + size, kBuffer, 0);
    input_.resize(size + (n > 0 ? static_cast<std::size_t>(n) : 0));
    return n > 0;
  }

  int socket_;
  const Sequence& sequence_;
  Batch& batch_;
  std::uint64_t& count_;
  std::string input_;
  std::size_t at_ = 0;        // octets of input_ that are processed
  std::size_t searched_ = 0;  // octets of the content that were searched for its end
  std::string output_;
  std::vector<std::string> mailboxes_;
  bool in_data_ = false;
  std::optional<std::uint64_t> chunk_;
  bool over_ = false;
};

[[noreturn]] void work(const sys::Fd& listener, const Sequence& sequence, Batch& batch) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::mkdir(("staging/" + std::to_string(::getpid())).c_str(), 0700);
  std::uint64_t count = 0;
  for (;;) {
    int socket = ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0 && errno == EINTR) continue;
    if (socket < 0) Arguments::die(std::string("accept: ") + std::strerror(errno));
    Session(socket, sequence, batch, count).serve();
    ::close(socket);
  }
}

int run(const Endpoint& endpoint, const Sequence& sequence, std::uint64_t processes,
        std::uint64_t mailboxes) {
  ::mkdir("staging", 0700);
  for (std::uint64_t i = 0; i < mailboxes; ++i) {
    auto mailbox = "u" + std::to_string(i);
    for (const auto* folder : {"", "/tmp", "/new"}) ::mkdir((mailbox + folder).c_str(), 0700);
  }
  auto listeners = sys::listen_on(endpoint, kBacklog, {0666, {}, {}});
  if (!listeners) Arguments::die(listeners.error().describe());
  const auto& listener = listeners.value().front();
  ::fcntl(listener.get(), F_SETFL, ::fcntl(listener.get(), F_GETFL) & ~O_NONBLOCK);
  auto* batch = make_batch();
  for (std::uint64_t i = 0; i < processes; ++i) {
    pid_t child = ::fork();
    if (child < 0) Arguments::die("cannot fork");
    if (child == 0) work(listener, sequence, *batch);
  }
  while (::wait(nullptr) >= 0 || errno == EINTR) {
  }
  return EXIT_FAILURE;
}

}  // namespace
}  // namespace handoff::bench

int main(int argc, char** argv) {
  using namespace handoff::bench;
  Arguments arguments(argc, argv,
                      {{"listen", ""},
                       {"spool", ""},
                       {"sequence", "plain"},
                       {"processes", "64"},
                       {"mailboxes", "200"}},
                      kUsage);
  auto endpoint = handoff::parse_endpoint(arguments.text("listen"));
  if (!endpoint) Arguments::die("--listen wants unix:PATH");
  const auto* sequence = find_sequence(arguments.text("sequence"));
  if (sequence == nullptr) Arguments::die("no such sequence");
  if (::chdir(arguments.text("spool").c_str()) != 0) Arguments::die("--spool wants a directory");
  return run(*endpoint, *sequence, arguments.number("processes"), arguments.number("mailboxes"));
}
