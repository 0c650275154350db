#include "status/event_loop.hh"

#include <stdexcept>
#include <utility>

namespace handoff::status {
namespace {

timeval timeval_of(std::chrono::milliseconds interval) {
  timeval out{};
  out.tv_sec = static_cast<decltype(out.tv_sec)>(interval.count() / 1000);
  out.tv_usec = static_cast<decltype(out.tv_usec)>(interval.count() % 1000 * 1000);
  return out;
}

}  // namespace

EventLoop::EventLoop() : base_(event_base_new()) {
  if (!base_) throw std::runtime_error("libevent cannot start");
  // libevent would log to standard error without limit. The callers report failures instead.
  event_set_log_callback([](int, const char*) {});
}

std::unique_ptr<EventLoop::Watch> EventLoop::add(int fd, short what, const timeval* interval,
                                                 Action action) {
  auto watch = std::make_unique<Watch>();
  watch->action_ = std::move(action);
  auto call = [](evutil_socket_t, short, void* argument) {
    auto act = static_cast<Watch*>(argument)->action_;  // a copy, because it may destroy the watch
    act();
  };
  watch->event_.reset(event_new(base_.get(), fd, what, call, watch.get()));
  if (!watch->event_ || event_add(watch->event_.get(), interval) != 0) {
    throw std::runtime_error("libevent cannot watch");
  }
  return watch;
}

void EventLoop::on_signal(int signal, Action action) {
  permanent_.push_back(add(signal, EV_SIGNAL | EV_PERSIST, nullptr, std::move(action)));
}

std::unique_ptr<EventLoop::Watch> EventLoop::watch(int fd, For what, Action action) {
  short ready = what == For::kReading ? EV_READ : EV_WRITE;
  return add(fd, static_cast<short>(ready | EV_PERSIST), nullptr, std::move(action));
}

void EventLoop::every(std::chrono::milliseconds interval, Action action) {
  auto period = timeval_of(interval);
  permanent_.push_back(add(-1, EV_PERSIST, &period, std::move(action)));
}

void EventLoop::after(std::chrono::milliseconds delay, Action action) {
  // Kept in a list, so that pending ones are freed when the loop ends.
  auto shot = one_shots_.insert(one_shots_.end(), OneShot{this, std::move(action), {}});
  shot->self = shot;
  auto call = [](evutil_socket_t, short, void* argument) {
    auto* due = static_cast<OneShot*>(argument);
    auto act = std::move(due->action);
    due->loop->one_shots_.erase(due->self);
    act();
  };
  auto time = timeval_of(delay);
  if (event_base_once(base_.get(), -1, EV_TIMEOUT, call, &*shot, &time) != 0) {
    throw std::runtime_error("libevent cannot watch the time");
  }
}

void EventLoop::run() { event_base_dispatch(base_.get()); }

void EventLoop::stop() { event_base_loopbreak(base_.get()); }

void EventLoop::part_from_parent() { event_reinit(base_.get()); }

void EventLoop::free_in_child() {
  permanent_.clear();
  base_.reset();
}

}  // namespace handoff::status
