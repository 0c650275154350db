#include "master/event_loop.hh"

#include <stdexcept>

namespace handoff::master {
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
}

void EventLoop::add(int fd, short what, const timeval* interval, std::function<void()> action) {
  actions_.push_back(std::make_unique<std::function<void()>>(std::move(action)));
  auto call = [](evutil_socket_t, short, void* argument) {
    (*static_cast<std::function<void()>*>(argument))();
  };
  events_.emplace_back(event_new(base_.get(), fd, what, call, actions_.back().get()));
  if (!events_.back() || event_add(events_.back().get(), interval) != 0) {
    throw std::runtime_error("libevent cannot watch");
  }
}

void EventLoop::on_signal(int signal, std::function<void()> action) {
  add(signal, EV_SIGNAL | EV_PERSIST, nullptr, std::move(action));
}

void EventLoop::on_readable(int fd, std::function<void()> action) {
  add(fd, EV_READ | EV_PERSIST, nullptr, std::move(action));
}

void EventLoop::every(std::chrono::milliseconds interval, std::function<void()> action) {
  auto period = timeval_of(interval);
  add(-1, EV_PERSIST, &period, std::move(action));
}

void EventLoop::after(std::chrono::milliseconds delay, std::function<void()> action) {
  // Kept in a list, so that what has not come when the loop ends goes with it.
  auto shot = one_shots_.insert(one_shots_.end(), OneShot{this, std::move(action), {}});
  shot->self = shot;
  auto call = [](evutil_socket_t, short, void* argument) {
    auto* come = static_cast<OneShot*>(argument);
    auto act = std::move(come->action);
    come->loop->one_shots_.erase(come->self);
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
  events_.clear();
  base_.reset();
}

}  // namespace handoff::master
