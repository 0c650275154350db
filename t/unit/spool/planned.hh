// A destination that carries out a plan, as the destination of a recipient with a script does: a
// copy, messages to send, a mark, and the record.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "delivery.hh"

inline handoff::spool::Outgoing redirect_to(const std::string& recipient) {
  handoff::spool::Outgoing out;
  out.sender = "sender@example.net";
  out.recipients = {recipient};
  out.head = "X-Redirected: yes\r\n";
  return out;
}

inline handoff::spool::Outgoing vacation_to(const std::string& recipient) {
  handoff::spool::Outgoing out;
  out.kind = handoff::spool::Outgoing::Kind::kVacation;
  out.recipients = {recipient};
  out.text = std::make_shared<const std::string>("subject: away\r\n\r\nback soon\r\n");
  return out;
}

inline handoff::spool::UserMark mark_of(const std::string& id) {
  return {"pat", handoff::spool::UserMark::Kind::kVacation, id, 86'400};
}

inline handoff::spool::UserMark duplicate_of(const std::string& id) {
  return {"pat", handoff::spool::UserMark::Kind::kDuplicate, id, 86'400};
}

struct Plan {
  handoff::Mailbox mailbox;
  bool keep = true;
  std::vector<handoff::spool::Outgoing> outgoing = {};
  std::vector<handoff::spool::UserMark> marks = {};
  std::vector<handoff::spool::UserMark> late_marks = {};
};

class PlannedDestination final : public handoff::spool::Destination {
 public:
  explicit PlannedDestination(Plan plan) : plan_(std::move(plan)) {}

  handoff::Result<std::optional<handoff::spool::Delivered>> link(handoff::spool::Message& message,
                                                                 std::string_view) override {
    using Linked = std::optional<handoff::spool::Delivered>;
    auto earlier = message.find_record(plan_.mailbox.place(), key());
    if (!earlier) return earlier.error();
    if (earlier.value()) return Linked(already());
    Linked linked(handoff::spool::Delivered{});
    if (plan_.keep) {
      auto copy = message.link_into(plan_.mailbox, "");
      if (!copy || !copy.value()) return copy;
      linked = copy.value();
    }
    auto done = add_rest(message);
    return done ? handoff::Result<Linked>(linked) : done.error();
  }
  handoff::Result<handoff::spool::Delivered> deliver(handoff::spool::Message& message,
                                                     std::string_view) override {
    auto earlier = message.find_record(plan_.mailbox.place(), key());
    if (!earlier) return earlier.error();
    if (earlier.value()) return already();
    handoff::spool::Delivered delivered;
    if (plan_.keep) {
      auto copy = message.write_into(plan_.mailbox, "");
      if (!copy) return copy;
      delivered = copy.value();
    }
    auto done = add_rest(message);
    return done ? handoff::Result<handoff::spool::Delivered>(delivered) : done.error();
  }

 private:
  static handoff::spool::Delivered already() {
    handoff::spool::Delivered out;
    out.already = true;
    return out;
  }
  std::string key() const { return plan_.mailbox.place() + "\n" + plan_.mailbox.address; }
  handoff::Status add_rest(handoff::spool::Message& message) {
    handoff::Status done;
    for (const auto& each : plan_.outgoing) {
      if (done) done = message.queue(key(), each);
    }
    for (const auto& each : plan_.marks) {
      if (done) done = message.mark(each);
    }
    if (done) done = message.record(key());
    for (const auto& each : plan_.late_marks) {
      if (done) message.mark_recorded(each);
    }
    return done;
  }

  Plan plan_;
};

// Delivers the complete `message` by these plans.
inline Outcomes carry_out_plans(handoff::spool::Message& message, const std::vector<Plan>& plans,
                                const std::function<void()>& settled = {}) {
  std::vector<std::unique_ptr<PlannedDestination>> destinations;
  std::vector<handoff::spool::Message::Delivery> deliveries;
  for (const auto& plan : plans) {
    destinations.push_back(std::make_unique<PlannedDestination>(plan));
    deliveries.push_back({destinations.back().get(), ""});
  }
  Outcomes outcomes;
  message.deliver(deliveries, {.may_wait = [] { return true; },
                               .step_done = [](handoff::sys::Steady::duration) {},
                               .settled =
                                   [&](std::size_t, const auto& outcome) {
                                     outcomes.push_back(outcome);
                                     if (settled) settled();
                                   }});
  return outcomes;
}

inline std::vector<handoff::Mailbox> mailboxes_of(const std::vector<Plan>& plans) {
  std::vector<handoff::Mailbox> out;
  for (const auto& plan : plans) out.push_back(plan.mailbox);
  return out;
}
