#include "master/children.hh"

#include <utility>

#include "sys/process.hh"
#include "sys/signals.hh"

namespace handoff::master {

Result<pid_t> Children::start(const std::function<int()>& main,
                              std::function<void(int status)> ended) {
  auto pid = fork(main);
  if (pid) adopt(pid.value(), std::move(ended));
  return pid;
}

Result<pid_t> Children::fork(const std::function<int()>& main) {
  return sys::fork_process([&] {
    in_child_();
    sys::default_signals();
    return main();
  });
}

void Children::reap() {
  while (auto child = sys::next_ended()) {
    auto known = ended_.extract(child->pid);
    if (!known.empty()) known.mapped()(child->status);
  }
}

}  // namespace handoff::master
