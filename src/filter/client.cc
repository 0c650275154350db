#include "filter/client.hh"

#include <cerrno>
#include <utility>

#include "sys/frames.hh"

namespace handoff::filter {

Result<Verdict> Client::run(const Job& job, const sys::Fd& message,
                            const std::vector<sys::Fd>& scripts, Answers& answers,
                            std::chrono::milliseconds timeout) {
  if (!socket_) return explained(EPIPE, "the filter process is gone");
  auto until = sys::Steady::now() + timeout;
  auto octets = pack(job);
  if (!octets) return octets.error();
  auto talk = [&]() -> Result<Verdict> {
    if (auto sent = sys::send_frames(socket_, octets.value(), &message, until); !sent)
      return sent.error();
    for (const auto& script : scripts) {
      if (auto sent = sys::send_frames(socket_, {}, &script, until); !sent) return sent.error();
    }
    for (;;) {
      auto received = sys::receive_frames(socket_, kMostVerdict, until);
      if (!received) return received.error();
      if (!received.value()) return Error{EPIPE, "receive message", {}};
      auto said = unpack_from_filter(received.value()->octets);
      if (said.verdict) return std::move(*said.verdict);
      if (!said.question) return Error{EBADMSG, "receive message", {}};
      if (auto answered = answer(*said.question, answers, until); !answered)
        return answered.error();
    }
  };
  auto verdict = talk();
  if (verdict) return verdict;
  // Closed, because a late answer would be taken for the answer to the next job.
  socket_.reset();
  if (verdict.error().code == ETIMEDOUT)
    return explained(ETIMEDOUT, "the scripts did not finish within sieve.timeout");
  return explained(EPIPE, "the filter process is gone");
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
