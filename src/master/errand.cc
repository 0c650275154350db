#include "master/errand.hh"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "base/text.hh"
#include "sys/pipe.hh"

namespace handoff::master {
namespace {

struct State {
  sys::Pipe words;
  pid_t pid = 0;
  bool over = false;
  bool late = false;
};

// At most what a pipe holds: the child has ended, nobody writes any more.
std::string read_all(const sys::Fd& from) {
  std::string out;
  std::array<char, 4096> buffer;
  for (ssize_t n; (n = ::read(from.get(), buffer.data(), buffer.size())) > 0;) {
    out.append(buffer.data(), static_cast<std::size_t>(n));
  }
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  return out;
}

}  // namespace

void run_errand(EventLoop& loop, Children& children, std::chrono::milliseconds limit,
                const std::function<int(const sys::Fd& words)>& work,
                std::function<void(const Report&)> done) {
  auto pipe = sys::open_pipe();
  if (!pipe) return done({false, pipe.error().describe()});
  auto state = std::make_shared<State>();
  state->words = std::move(pipe).value();
  auto ended = [state, done](int status) {
    state->over = true;
    auto text = read_all(state->words.read);
    if (state->late) text = "took too long" + (text.empty() ? "" : ": " + text);
    if (status != 0 && text.empty()) text = how_it_ended(status);
    done({status == 0, text});
  };
  auto pid = children.start([&] { return work(state->words.write); }, ended);
  state->words.write.reset();
  if (!pid) return done({false, pid.error().describe()});
  state->pid = pid.value();
  loop.after(limit, [state] {
    if (state->over) return;
    state->late = true;
    ::kill(state->pid, SIGKILL);
  });
}

}  // namespace handoff::master
