#include "sys/command.hh"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include "base/text.hh"
#include "sys/confinement.hh"
#include "sys/pipe.hh"
#include "sys/stream.hh"

namespace handoff::sys {
namespace {

// What is kept of a program's last words, octets.
constexpr std::size_t kLastWords = 400;

// Here SIGCHLD does nothing but end a wait.
void on_child(int) {}

void set_signals(bool for_program) {
  struct sigaction how {};
  ::sigemptyset(&how.sa_mask);
  for (int signal = 1; signal < NSIG; ++signal) {
    how.sa_handler = SIG_DFL;
    if (!for_program && signal == SIGCHLD) how.sa_handler = on_child;
    // A terminal's signals are for whoever started us, and the report is on its way.
    if (!for_program && (signal == SIGPIPE || signal == SIGINT || signal == SIGHUP)) {
      how.sa_handler = SIG_IGN;
    }
    ::sigaction(signal, &how, nullptr);
  }
  sigset_t mask;
  ::sigemptyset(&mask);
  if (!for_program) ::sigaddset(&mask, SIGCHLD);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
}

// Ours may have what is nobody's business: the password of a database.
std::vector<char*> few_of_environment() {
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

[[noreturn]] void become(const std::vector<std::string>& arguments, const Pipe& input,
                         const Pipe& words) {
  ::setpgid(0, 0);
  set_signals(true);
  ::dup2(input.read.get(), STDIN_FILENO);
  ::dup2(words.write.get(), STDOUT_FILENO);
  ::dup2(words.write.get(), STDERR_FILENO);
  // The program may not know what to do about descriptors that do not block.
  for (int fd : {STDIN_FILENO, STDOUT_FILENO}) ::fcntl(fd, F_SETFL, 0);
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  auto environment = few_of_environment();
  ::execve(argv.front(), argv.data(), environment.data());
  auto why = Error{errno, "exec", arguments.front()}.describe() + "\n";
  [[maybe_unused]] auto ignored = ::write(STDERR_FILENO, why.data(), why.size());
  ::_exit(126);
}

// The program while it runs: its input goes in, its last words come out.
class Watch {
 public:
  explicit Watch(const Command& command)
      : command_(command), left_(command.input), until_(Steady::now() + command.limit) {}

  Status run() {
    auto input = open_pipe();
    if (!input) return input.error();
    auto words = open_pipe();
    if (!words) return words.error();
    child_ = ::fork();
    if (child_ < 0) return Error{errno, "fork", {}};
    if (child_ == 0) become(command_.arguments, input.value(), words.value());
    input_ = std::move(input.value().write);
    words_ = std::move(words.value().read);
    input.value().read.reset();
    words.value().write.reset();

    int status = 0;
    for (;;) {
      pid_t ended = ::waitpid(child_, &status, WNOHANG);
      if (ended == child_) break;
      if (Steady::now() >= until_) {
        // Its group: what it started hangs with it.
        if (::kill(-child_, SIGKILL) != 0) ::kill(child_, SIGKILL);
        while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
        }
        hear();
        const auto& name = command_.limit_name;
        return failure(ETIMEDOUT, name.empty() ? "killed" : "killed at " + name);
      }
      wait();
    }
    hear();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    auto how = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                   : "exit " + std::to_string(WEXITSTATUS(status));
    return failure(ECHILD, how);
  }

 private:
  // How it ended, with its last words.
  Error failure(int code, const std::string& how) const {
    auto said = trim_end(said_);
    return {code, how + (said.empty() ? "" : " (" + said + ")"), command_.arguments.front()};
  }

  static std::string trim_end(std::string text) {
    while (!text.empty() && (is_control(text.back()) || text.back() == ' ')) text.pop_back();
    return text;
  }

  // Until the child ends, takes input, says something, or has had its time.
  void wait() {
    std::array<pollfd, 2> fds{
        {{input_ ? input_.get() : -1, POLLOUT, 0}, {words_ ? words_.get() : -1, POLLIN, 0}}};
    auto left = std::max(until_ - Steady::now(), Steady::duration::zero());
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    timespec timeout{static_cast<std::time_t>(seconds.count()),
                     static_cast<long>(std::chrono::nanoseconds(left - seconds).count())};
    sigset_t none;
    ::sigemptyset(&none);
    if (::ppoll(fds.data(), fds.size(), &timeout, &none) <= 0) return;
    if (fds[0].revents != 0) feed();
    if (fds[1].revents != 0) hear();
  }

  void feed() {
    auto n = ::write(input_.get(), left_.data(), left_.size());
    if (n > 0) left_.remove_prefix(static_cast<std::size_t>(n));
    // EPIPE: it has read enough; its exit status says what it thinks.
    bool broken = n < 0 && errno != EAGAIN && errno != EINTR;
    if (left_.empty() || broken) input_.reset();
  }

  void hear() {
    std::array<char, 1024> octets;
    ssize_t n = -1;
    while (words_ && (n = ::read(words_.get(), octets.data(), octets.size())) > 0) {
      said_.append(octets.data(), static_cast<std::size_t>(n));
      if (said_.size() > kLastWords) said_.erase(0, said_.size() - kLastWords);
    }
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) words_.reset();
  }

  const Command& command_;
  std::string_view left_;
  Steady::time_point until_;
  pid_t child_ = -1;
  Fd input_;
  Fd words_;
  std::string said_;
};

}  // namespace

std::string argument_of(const std::string& address) {
  return address.starts_with('-') ? "<" + address + ">" : address;
}

bool Watcher::ends_by(Steady::time_point deadline) const {
  std::array<pollfd, 1> fds{{{life_.get(), POLLIN, 0}}};
  return wait_for(fds, deadline, false) == Waited::kReady;
}

bool Watcher::ends_well() const {
  char octet = 0;
  for (;;) {
    pollfd fd{life_.get(), POLLIN, 0};
    static_cast<void>(::poll(&fd, 1, -1));
    auto n = ::read(life_.get(), &octet, 1);
    if (n >= 0) return n == 1;
    if (errno != EINTR && errno != EAGAIN) return false;
  }
}

namespace {

// Does `work` in a process that is init's child; an octet in the pipe says that it was done well.
// `kept`: what it has of our descriptors beside that pipe.
Result<Watcher> start_detached(const std::function<bool()>& work, const Fd* kept = nullptr) {
  auto life = open_pipe();
  if (!life) return life.error();
  pid_t between = ::fork();
  if (between < 0) return Error{errno, "fork", {}};
  if (between > 0) {
    int status = 0;
    while (::waitpid(between, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return Watcher(std::move(life.value().read));
    return Error{EAGAIN, "fork", {}};
  }
  pid_t detached = ::fork();
  if (detached != 0) ::_exit(detached < 0 ? 1 : 0);
  // A listener or a connection that stays open here would outlive whoever closes it.
  const std::array<const Fd*, 2> needed{&life.value().write, kept};
  keep_only(std::span(needed).first(kept != nullptr ? 2 : 1));
  set_signals(false);
  if (work()) {
    [[maybe_unused]] auto ignored = ::write(life.value().write.get(), "", 1);
  }
  ::_exit(0);
}

}  // namespace

Result<Watcher> start_watched(const Command& command,
                              const std::function<void(const Status&)>& ended) {
  return start_detached([&] {
    auto status = Watch(command).run();
    ended(status);
    return status.ok();
  });
}

Result<Watcher> start_aside(std::chrono::seconds limit, const Fd& kept,
                            const std::function<void()>& work) {
  return start_detached(
      [&] {
        ::alarm(static_cast<unsigned>(limit.count()));
        work();
        return true;
      },
      &kept);
}

}  // namespace handoff::sys
