#include "master/errand.hh"

#include <csignal>
#include <memory>
#include <utility>

#include "sys/fd.hh"
#include "sys/process.hh"

namespace handoff::master {
namespace {

constexpr std::size_t kMaxText = 4096;  // octets of a report

struct Running {
  sys::Pipe text;
  pid_t pid = 0;
  bool reported = false;
};

std::string text_of(const Running& running) {
  auto text = sys::take(running.text.read, kMaxText).value_or("");
  text.resize(text.find_last_not_of(" \n") + 1);
  return text;
}

}  // namespace

pid_t run_errand(EventLoop& loop, Children& children, std::chrono::milliseconds limit,
                 const Work& work, Then done) {
  auto pipe = sys::open_pipe();
  if (!pipe) {
    done({false, pipe.error().describe(), {}});
    return 0;
  }
  auto running = std::make_shared<Running>();
  running->text = std::move(pipe).value();
  auto ended = [running, done](int status) {
    if (std::exchange(running->reported, true)) return;
    auto output = text_of(*running);
    auto text = status != 0 && output.empty() ? sys::how_it_ended(status) : output;
    done({status == 0, text, output});
  };
  auto pid = children.start([&] { return work(running->text.write); }, ended);
  running->text.write.reset();
  if (!pid) {
    done({false, pid.error().describe(), {}});
    return 0;
  }
  running->pid = pid.value();
  loop.after(limit, [running, done] {
    if (std::exchange(running->reported, true)) return;
    // Does not wait for its end: a process that hangs in the kernel because of a disk or file
    // server may not end even when it is killed.
    sys::send_signal(running->pid, SIGKILL);
    auto output = text_of(*running);
    done({false, "took too long" + (output.empty() ? "" : ": " + output), output});
  });
  return running->pid;
}

void SharedErrand::ask(const Work& work, Then then) {
  if (last_ && sys::Steady::now() < when_ + valid_) return then(*last_);
  waiting_.push_back(std::move(then));
  if (waiting_.size() > 1) return;
  auto tell = [this](const Report& report) {
    for (const auto& each : std::exchange(waiting_, {})) each(report);
  };
  // If a child cannot even be killed, no other is started.
  if (children_.has(child_)) return tell({false, "an earlier probe hangs", {}});
  child_ = run_errand(loop_, children_, limit_, work, [this, tell](const Report& report) {
    last_ = report;
    when_ = sys::Steady::now();
    tell(report);
  });
}

}  // namespace handoff::master
