#include "filter/client.hh"

#include <cerrno>
#include <utility>

#include "sys/frames.hh"
#include "sys/message_socket.hh"

namespace handoff::filter {
namespace {

using namespace std::chrono_literals;

constexpr auto kStartPatience = 10s;
// The limit for one script. Its includes are requested twice if they have changed
// (sieve::Limits::includes), and its own questions are limited too (Limits::questions).
constexpr std::size_t kMostQuestions = 1000;

}  // namespace

void Client::replace() {
  socket_.reset();
  if (!starter_) return;
  auto pair = sys::message_pair();
  if (!pair) return;
  auto& [ours, theirs] = pair.value();
  if (sys::send_message(starter_, "start", &theirs, sys::Steady::now() + kStartPatience)) {
    socket_ = std::move(ours);
  } else {
    starter_.reset();
  }
}

bool Client::is_ready() const {
  if (!socket_) return false;
  auto received = sys::receive_message(socket_, sys::Steady::now());
  return !received && received.error().code == ETIMEDOUT;
}

Result<Verdict> Client::run(const Job& job, const sys::Fd& message,
                            const std::vector<sys::Fd>& scripts, Answers& answers,
                            std::chrono::milliseconds timeout) {
  if (!is_ready()) replace();
  if (!socket_) return explained(EPIPE, "there is no filter process");
  auto verdict = talk(job, message, scripts, answers, sys::Steady::now() + timeout);
  if (verdict) return verdict;
  // A late answer would be mistaken for the answer to the next job.
  replace();
  switch (verdict.error().code) {
    case ETIMEDOUT:
      return explained(ETIMEDOUT, "the scripts did not finish within sieve.timeout");
    case EPROTO:
    case EBADMSG:
      return explained(EPROTO, "the filter process has sent something malformed");
    case EMSGSIZE:
      return verdict;
    default:
      return explained(EPIPE, "the filter process has died");
  }
}

Result<Verdict> Client::talk(const Job& job, const sys::Fd& message,
                             const std::vector<sys::Fd>& scripts, Answers& answers,
                             sys::Steady::time_point until) {
  auto octets = pack(job);
  if (!octets) return octets.error();
  if (auto sent = sys::send_frames(socket_, octets.value(), &message, until); !sent)
    return sent.error();
  for (const auto& script : scripts) {
    if (auto sent = sys::send_frames(socket_, {}, &script, until); !sent) return sent.error();
  }
  for (auto left = kMostQuestions * (1 + scripts.size()); left > 0; --left) {
    auto received = sys::receive_frames(socket_, kMostVerdict, until);
    if (!received) return received.error();
    if (!received.value()) return Error{EPIPE, "receive message", {}};
    auto said = unpack_from_filter(received.value()->octets);
    if (said.verdict) return std::move(*said.verdict);
    if (!said.question) return Error{EBADMSG, "receive message", {}};
    if (auto answered = answer(*said.question, answers, until); !answered) return answered.error();
  }
  return Error{EPROTO, "answer questions", {}};
}

Status Client::answer(const Question& question, Answers& answers, sys::Steady::time_point until) {
  Answer out;
  sys::Fd file;
  auto take = [&](const Result<bool>& result) {
    if (result) {
      out.yes = result.value();
    } else {
      out.error = result.error();
    }
  };
  switch (question.kind) {
    case Question::Kind::kScript: {
      auto found = answers.script(question.place, question.name);
      out.yes = found && found.value();
      if (!found) out.error = found.error();
      if (out.yes) file = *std::move(found).value();
      break;
    }
    case Question::Kind::kFolder:
      take(answers.folder_exists(question.name));
      break;
    case Question::Kind::kSpecialUse:
      take(answers.special_use_exists(question.name, question.use));
      break;
    case Question::Kind::kSeen:
      take(answers.seen(question.mark));
      break;
    case Question::Kind::kEnvironment:
      break;
  }
  return sys::send_frames(socket_, pack(out), file ? &file : nullptr, until);
}

}  // namespace handoff::filter
