#include "sys/launcher.hh"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/text.hh"
#include "sys/confinement.hh"
#include "sys/daemon.hh"
#include "sys/message_socket.hh"
#include "sys/process.hh"
#include "sys/title.hh"

namespace handoff::sys {
namespace {

using namespace std::chrono_literals;

Fd to_launcher;
// The process that makes a request sends its descriptors immediately.
constexpr auto kDescriptorPatience = 10s;
constexpr auto kPause = 10ms;  // between two checks whether a program has ended

// Our environment may contain secrets such as the password of a database.
std::vector<char*> passed_environment() {
  static constexpr std::string_view kPassed[] = {"PATH=", "TZ=", "LANG=", "LC_"};
  std::vector<char*> out;
  for (char** each = environ; *each != nullptr; ++each) {
    std::string_view variable = *each;
    if (std::ranges::any_of(kPassed, [&](auto name) { return variable.starts_with(name); })) {
      out.push_back(*each);
    }
  }
  out.push_back(nullptr);
  return out;
}

bool is_allowed(const CommandLine& command, const std::vector<CommandLine>& allowed) {
  return std::ranges::any_of(allowed, [&](const CommandLine& start) {
    return !start.empty() && start.size() <= command.size() &&
           std::equal(start.begin(), start.end(), command.begin());
  });
}

// Runs in a child of the launcher: one program, until it ends or nobody waits for it any more.
int run_job(const CommandLine& command, const Fd& socket) {
  auto next = [&] { return receive_descriptor(socket, Steady::now() + kDescriptorPatience); };
  auto input = next();
  auto output = input ? next() : std::nullopt;
  if (!output) return EX_PROTOCOL;
  auto program = fork_process([&]() -> int { execute(command, *input, *output); });
  if (!program) return EX_OSERR;
  input.reset();
  output.reset();
  for (;;) {
    int status = 0;
    if (::waitpid(program.value(), &status, WNOHANG) == program.value()) {
      std::array<char, sizeof status> octets;
      std::memcpy(octets.data(), &status, sizeof status);
      auto sent = send_message(socket, {octets.data(), octets.size()}, nullptr, Steady::now());
      return sent ? EX_OK : EX_IOERR;
    }
    pollfd peer{socket.get(), POLLIN, 0};
    if (::poll(&peer, 1, static_cast<int>(kPause.count())) <= 0) continue;
    // Kills the whole group, because children of the program may hang too.
    if (::kill(-program.value(), SIGKILL) != 0) ::kill(program.value(), SIGKILL);
    wait_for_end(program.value());
    return EX_OK;
  }
}

int serve(const Fd& socket, const std::vector<CommandLine>& allowed) {
  keep_only(std::array{&socket});
  close_standard_descriptors();  // the server's starter may wait until its output ends
  ignore_group_signals();
  ::signal(SIGCHLD, SIG_IGN);  // ended children leave no zombies
  for (;;) {
    auto message = receive_message(socket, std::nullopt);
    if (!message || !message.value()) return EX_OK;
    CommandLine command;
    for (auto part : split(message.value()->octets, '\0')) command.emplace_back(part);
    const auto& job = message.value()->descriptor;
    if (!message.value()->whole || !job || !is_allowed(command, allowed)) continue;
    static_cast<void>(fork_process([&] {
                        ::signal(SIGCHLD, SIG_DFL);
                        return run_job(command, job);
                      }).ok());
  }
}

}  // namespace

Status start_launcher(const std::vector<CommandLine>& allowed) {
  auto pair = message_pair();
  if (!pair) return pair.error();
  auto& ours = pair.value().first;  // clang before 16 captures no structured binding
  auto& theirs = pair.value().second;
  auto started = fork_process([&] {
    ours.reset();
    set_title("launcher");
    return serve(theirs, allowed);
  });
  if (!started) return started.error();
  to_launcher = std::move(ours);
  return {};
}

const Fd& launcher() { return to_launcher; }

bool launcher_has_ended() {
  pollfd peer{to_launcher.get(), 0, 0};
  return to_launcher && ::poll(&peer, 1, 0) > 0 && (peer.revents & POLLHUP) != 0;
}

Result<Fd> launch(const CommandLine& command, const Fd& input, const Fd& output) {
  auto pair = message_pair();
  if (!pair) return pair.error();
  auto& [ours, theirs] = pair.value();
  std::string octets;
  for (const auto& part : command) octets += (octets.empty() ? "" : std::string(1, '\0')) + part;
  auto until = Steady::now() + kDescriptorPatience;
  auto sent = send_message(to_launcher, octets, &theirs, until);
  theirs.reset();
  if (sent) sent = send_message(ours, "i", &input, until);
  if (sent) sent = send_message(ours, "o", &output, until);
  if (!sent) return sent.error();
  return std::move(ours);
}

Result<int> program_status(const Fd& socket) {
  auto message = receive_message(socket, Steady::now());
  if (!message && message.error().code == ETIMEDOUT) return Error{EAGAIN, "wait", {}};
  int status = 0;
  if (!message || !message.value() || message.value()->octets.size() != sizeof status) {
    return Error{ECHILD, "the program was not started", {}};
  }
  std::memcpy(&status, message.value()->octets.data(), sizeof status);
  return status;
}

void execute(const CommandLine& command, const Fd& input, const Fd& output) {
  ::setpgid(0, 0);
  struct sigaction how {};
  ::sigemptyset(&how.sa_mask);
  how.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &how, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(input.get(), STDIN_FILENO);
  ::dup2(output.get(), STDOUT_FILENO);
  ::dup2(output.get(), STDERR_FILENO);
  // The program may not cope with non-blocking descriptors.
  for (int fd : {STDIN_FILENO, STDOUT_FILENO}) ::fcntl(fd, F_SETFL, 0);
  std::vector<char*> argv;
  for (const auto& argument : command) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  auto environment = passed_environment();
  ::execve(argv.front(), argv.data(), environment.data());
  auto why = Error{errno, "exec", command.front()}.describe() + "\n";
  [[maybe_unused]] auto ignored = ::write(STDERR_FILENO, why.data(), why.size());
  ::_exit(126);
}

}  // namespace handoff::sys
