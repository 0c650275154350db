#include "sys/command.hh"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <utility>

#include "base/text.hh"
#include "sys/confinement.hh"
#include "sys/launcher.hh"
#include "sys/process.hh"
#include "sys/stream.hh"

namespace handoff::sys {
namespace {

// How much of the end of a program's output is kept, in octets.
constexpr std::size_t kLastWords = 400;

// The only effect of SIGCHLD is to interrupt a wait.
void on_child(int) {}

void set_signals() {
  struct sigaction how {};
  ::sigemptyset(&how.sa_mask);
  for (int signal = 1; signal < NSIG; ++signal) {
    how.sa_handler = signal == SIGCHLD ? on_child : SIG_DFL;
    // The signals of a terminal are meant for our caller; a report that is being sent continues.
    if (signal == SIGPIPE || signal == SIGINT || signal == SIGHUP) how.sa_handler = SIG_IGN;
    ::sigaction(signal, &how, nullptr);
  }
  sigset_t mask;
  ::sigemptyset(&mask);
  ::sigaddset(&mask, SIGCHLD);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
}

bool refuses(int status) {
  static constexpr int kFinal[] = {EX_USAGE, EX_DATAERR, EX_NOUSER, EX_NOHOST, EX_NOPERM};
  return WIFEXITED(status) && std::ranges::find(kFinal, WEXITSTATUS(status)) != std::end(kFinal);
}

// A running program: feeds its input and keeps the end of its output.
class Watch {
 public:
  explicit Watch(const Command& command)
      : command_(command), left_(command.input), until_(Steady::now() + command.limit) {}

  Status run() {
    auto words = open_pipe();
    if (!words) return words.error();
    if (auto started = start(words.value().write); !started) return started;
    words_ = std::move(words.value().read);
    words.value().write.reset();

    for (;;) {
      auto status = ended();
      if (!status && status.error().code != EAGAIN) return status.error();
      if (status) {
        read_output();
        if (WIFEXITED(status.value()) && WEXITSTATUS(status.value()) == 0) return {};
        return failure(refuses(status.value()) ? EINVAL : ECHILD, how_it_ended(status.value()));
      }
      if (Steady::now() >= until_) {
        kill();
        read_output();
        const auto& name = command_.limit_name;
        return failure(ETIMEDOUT,
                       "killed, it took " + (name.empty() ? "too long" : "longer than " + name));
      }
      wait();
    }
  }

 private:
  Status start(const Fd& output) {
    if (command_.file != nullptr) {
      if (::lseek(command_.file->get(), 0, SEEK_SET) != 0) return Error{errno, "seek", {}};
      return start(*command_.file, output);
    }
    auto input = open_pipe();
    if (!input) return input.error();
    auto started = start(input.value().read, output);
    if (started) input_ = std::move(input.value().write);
    return started;
  }

  Status start(const Fd& input, const Fd& output) {
    if (launcher()) {
      auto job = launch(command_.arguments, input, output);
      if (!job) return job.error();
      job_ = std::move(job).value();
      return {};
    }
    child_ = ::fork();
    if (child_ < 0) return Error{errno, "fork", {}};
    if (child_ == 0) execute(command_.arguments, input, output);
    return {};
  }

  // Returns the exit status, or EAGAIN while it runs.
  Result<int> ended() const {
    if (job_) return program_status(job_);
    int status = 0;
    if (::waitpid(child_, &status, WNOHANG) == child_) return status;
    return Error{EAGAIN, "wait", {}};
  }

  void kill() {
    if (job_) return job_.reset();
    // Kills the whole group, because children of the program may hang too.
    if (::kill(-child_, SIGKILL) != 0) ::kill(child_, SIGKILL);
    wait_for_end(child_);
  }

  // Returns an error that says how it ended, with the end of its output.
  Error failure(int code, const std::string& how) const {
    auto said = trim_end(said_);
    return explained(
        code, command_.arguments.front() + ": " + how + (said.empty() ? "" : " (" + said + ")"));
  }

  static std::string trim_end(std::string text) {
    while (!text.empty() && (is_control(text.back()) || text.back() == ' ')) text.pop_back();
    return text;
  }

  // Waits until the child ends, reads input or writes output, or its time limit is reached.
  void wait() {
    std::array<pollfd, 3> fds{
        {{input_.get(), POLLOUT, 0}, {words_.get(), POLLIN, 0}, {job_.get(), POLLIN, 0}}};
    auto left = std::max(until_ - Steady::now(), Steady::duration::zero());
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    timespec timeout{static_cast<std::time_t>(seconds.count()),
                     static_cast<long>(std::chrono::nanoseconds(left - seconds).count())};
    sigset_t none;
    ::sigemptyset(&none);
    if (::ppoll(fds.data(), fds.size(), &timeout, &none) <= 0) return;
    if (fds[0].revents != 0) feed();
    if (fds[1].revents != 0) read_output();
  }

  void feed() {
    auto n = ::write(input_.get(), left_.data(), left_.size());
    if (n > 0) left_.remove_prefix(static_cast<std::size_t>(n));
    // EPIPE: the program has stopped reading; its exit status tells whether it failed.
    bool broken = n < 0 && errno != EAGAIN && errno != EINTR;
    if (broken || left_.empty()) input_.reset();
  }

  void read_output() {
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
  pid_t child_ = -1;  // -1 if the launcher runs it
  Fd job_;            // the launcher's socket for the program
  Fd input_;
  Fd words_;
  std::string said_;
};

// Runs `work` in a child of init, which reports success by an octet in the pipe. Of our descriptors
// the child keeps `kept` and the pipe.
Result<Watcher> start_detached(const std::function<bool()>& work, const Fd* kept = nullptr) {
  auto life = open_pipe();
  if (!life) return life.error();
  pid_t between = ::fork();
  if (between < 0) return Error{errno, "fork", {}};
  if (between > 0) {
    if (wait_for_end(between) == 0) return Watcher(std::move(life.value().read));
    return Error{EAGAIN, "fork", {}};
  }
  pid_t detached = ::fork();
  if (detached != 0) ::_exit(detached < 0 ? 1 : 0);
  // A copy of a listener or connection would stay open here after all other processes have closed
  // it.
  std::vector<const Fd*> needed{&life.value().write};
  if (kept != nullptr) needed.push_back(kept);
  if (launcher()) needed.push_back(&launcher());
  keep_only(needed);
  set_signals();
  if (work()) {
    [[maybe_unused]] auto ignored = ::write(life.value().write.get(), "", 1);
  }
  ::_exit(0);
}

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

Result<Watcher> start_watched(const Command& command,
                              const std::function<void(const Status&)>& ended) {
  return start_detached([&] {
    auto status = Watch(command).run();
    ended(status);
    return status.ok();
  });
}

Status run_program(const Command& command) { return Watch(command).run(); }

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
