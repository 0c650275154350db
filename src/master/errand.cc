#include "master/errand.hh"

#include <csignal>
#include <memory>
#include <utility>

#include "sys/pipe.hh"
#include "sys/process.hh"

namespace handoff::master {
namespace {

struct State {
  sys::Pipe words;
  pid_t pid = 0;
  bool over = false;  // `done` has been called
};

// At most what a pipe holds.
std::string words_of(const State& state) {
  auto text = sys::take_all(state.words.read);
  text.resize(text.find_last_not_of(" \n") + 1);
  return text;
}

}  // namespace

pid_t run_errand(EventLoop& loop, Children& children, std::chrono::milliseconds limit,
                 const std::function<int(const sys::Fd& words)>& work,
                 std::function<void(const Report&)> done) {
  auto pipe = sys::open_pipe();
  if (!pipe) {
    done({false, pipe.error().describe()});
    return 0;
  }
  auto state = std::make_shared<State>();
  state->words = std::move(pipe).value();
  auto ended = [state, done](int status) {
    if (std::exchange(state->over, true)) return;
    auto text = words_of(*state);
    if (status != 0 && text.empty()) text = sys::how_it_ended(status);
    done({status == 0, text});
  };
  auto pid = children.start([&] { return work(state->words.write); }, ended);
  state->words.write.reset();
  if (!pid) {
    done({false, pid.error().describe()});
    return 0;
  }
  state->pid = pid.value();
  loop.after(limit, [state, done] {
    if (std::exchange(state->over, true)) return;
    // Its end is not waited for: who waits for a disk or a file server may outlive even that.
    sys::send_signal(state->pid, SIGKILL);
    auto text = words_of(*state);
    done({false, "took too long" + (text.empty() ? "" : ": " + text)});
  });
  return state->pid;
}

}  // namespace handoff::master
