// libevent's event loop with ownership, for the master and the status processes.
#pragma once

#include <event2/event.h>

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <vector>

namespace handoff::status {

class EventLoop {
 public:
  using Action = std::function<void()>;
  class Watch;
  enum class For { kReading, kWriting };

  EventLoop();

  // These two functions call `action` as long as the loop exists.
  void on_signal(int signal, Action action);
  void every(std::chrono::milliseconds interval, Action action);
  // Calls `action` whenever the descriptor is ready, as long as the returned object exists. The
  // object must be destroyed before the loop and the descriptor. `action` may destroy it.
  [[nodiscard]] std::unique_ptr<Watch> watch(int fd, For what, Action action);
  // Calls `action` once.
  void after(std::chrono::milliseconds delay, Action action);

  // Runs until stop().
  void run();
  void stop();

  // Call in a forked child before anything of the loop is freed: replaces the shared epoll set or
  // kqueue, so that the child does not remove the parent's events from it.
  void part_from_parent();
  // Call in a forked child when everything that uses the loop has been destroyed.
  void free_in_child();

  event_base* base() const { return base_.get(); }

 private:
  struct Free {
    void operator()(event_base* base) const { event_base_free(base); }
    void operator()(event* e) const { event_free(e); }
  };
  std::unique_ptr<Watch> add(int fd, short what, const timeval* interval, Action action);

  std::unique_ptr<event_base, Free> base_;
  std::vector<std::unique_ptr<Watch>> permanent_;
  struct OneShot {
    EventLoop* loop;
    Action action;
    std::list<OneShot>::iterator self;
  };
  std::list<OneShot> one_shots_;
};

class EventLoop::Watch {
 private:
  friend class EventLoop;
  Action action_;
  std::unique_ptr<event, Free> event_;
};

}  // namespace handoff::status
