// libevent's objects with owners, and no more of it than the master needs.
#pragma once

#include <event2/event.h>

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <vector>

namespace handoff::master {

class EventLoop {
 public:
  EventLoop();

  // Each of these calls `action` for as long as the loop lives.
  void on_signal(int signal, std::function<void()> action);
  void on_readable(int fd, std::function<void()> action);
  void every(std::chrono::milliseconds interval, std::function<void()> action);
  // Calls `action` once.
  void after(std::chrono::milliseconds delay, std::function<void()> action);

  // Runs until stop().
  void run();
  void stop();

  // In a forked child, before anything of the loop is freed: gives the child descriptors of its
  // own, so that it does not take the parent's events out of the shared epoll set or kqueue.
  void part_from_parent();
  // In a forked child, when all that uses the loop is gone.
  void free_in_child();

  event_base* base() const { return base_.get(); }

 private:
  struct Free {
    void operator()(event_base* base) const { event_base_free(base); }
    void operator()(event* e) const { event_free(e); }
  };
  void add(int fd, short what, const timeval* interval, std::function<void()> action);

  std::unique_ptr<event_base, Free> base_;
  // Events point to their actions, which therefore do not move.
  std::vector<std::unique_ptr<std::function<void()>>> actions_;
  std::vector<std::unique_ptr<event, Free>> events_;
  struct OneShot {
    EventLoop* loop;
    std::function<void()> action;
    std::list<OneShot>::iterator self;
  };
  std::list<OneShot> one_shots_;
};

}  // namespace handoff::master
