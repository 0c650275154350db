#include "sys/message_socket.hh"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "sys/process.hh"

#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0
#endif

namespace handoff::sys {
namespace {

// Room for more than one descriptor, so that surplus ones are noticed and closed.
constexpr std::size_t kMostDescriptors = 8;
union Control {
  cmsghdr header;
  std::array<char, CMSG_SPACE(kMostDescriptors * sizeof(int))> room;
};

// False at the deadline.
bool wait(const Fd& fd, short events, std::optional<Steady::time_point> deadline) {
  for (;;) {
    int timeout = -1;
    if (deadline) {
      auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Steady::now()).count();
      timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30));
    }
    pollfd what{fd.get(), events, 0};
    int n = ::poll(&what, 1, timeout);
    if (n > 0) return true;
    if (n == 0) return false;
    if (errno != EINTR) return true;  // the next call reports it
  }
}

// ENOBUFS: how the BSDs report a full buffer of a unix socket.
bool must_wait(int error) { return would_block(error) || error == ENOBUFS; }

// Takes every descriptor out, so that none stays open.
void take_descriptors(msghdr& header, Message& message) {
  std::size_t count = 0;
  for (auto* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t at = CMSG_LEN(0); at + sizeof(int) <= part->cmsg_len; at += sizeof(int)) {
      int number = -1;
      std::memcpy(&number, reinterpret_cast<const char*>(part) + at, sizeof number);
      ::fcntl(number, F_SETFD, FD_CLOEXEC);
      message.descriptor = Fd(number);  // closes the previous one
      ++count;
    }
  }
  if (count > 1 || (header.msg_flags & MSG_CTRUNC) != 0) {
    message.descriptor.reset();
    message.whole = false;
  }
}

}  // namespace

Result<std::pair<Fd, Fd>> message_pair() { return socket_pair(SOCK_SEQPACKET); }

Status send_message(const Fd& to, std::string_view octets, const Fd* descriptor,
                    Steady::time_point deadline) {
  if (octets.size() > kMaxMessage) return Error{EMSGSIZE, "send message", {}};
  iovec piece{const_cast<char*>(octets.data()), octets.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  Control control{};
  if (descriptor != nullptr) {
    header.msg_control = control.room.data();
    header.msg_controllen = CMSG_SPACE(sizeof(int));
    auto* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    int number = descriptor->get();
    std::memcpy(CMSG_DATA(part), &number, sizeof number);
  }
  for (;;) {
    if (::sendmsg(to.get(), &header, MSG_NOSIGNAL) >= 0) return {};
    if (errno == EINTR) continue;
    if (!must_wait(errno)) return Error{errno, "send message", {}};
    if (!wait(to, POLLOUT, deadline)) return Error{ETIMEDOUT, "send message", {}};
  }
}

Result<std::optional<Message>> receive_message(const Fd& from,
                                               std::optional<Steady::time_point> deadline) {
  Message message;
  message.octets.resize(kMaxMessage);
  iovec piece{message.octets.data(), message.octets.size()};
  Control control{};
  msghdr header{};
  for (;;) {
    header = {};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control.room.data();
    header.msg_controllen = control.room.size();
    auto n = ::recvmsg(from.get(), &header, MSG_CMSG_CLOEXEC);
    if (n >= 0) {
      message.octets.resize(static_cast<std::size_t>(n));
      break;
    }
    if (errno == ECONNRESET) return std::optional<Message>();
    if (errno == EINTR) continue;
    if (!must_wait(errno)) return Error{errno, "receive message", {}};
    if (!wait(from, POLLIN, deadline)) return Error{ETIMEDOUT, "receive message", {}};
  }
  take_descriptors(header, message);
  if ((header.msg_flags & MSG_TRUNC) != 0) message.whole = false;
  // The end looks like an empty message without a descriptor.
  bool end = message.octets.empty() && message.whole && !message.descriptor;
  if (end) return std::optional<Message>();
  return std::optional(std::move(message));
}

std::optional<Fd> receive_descriptor(const Fd& from, Steady::time_point deadline) {
  auto message = receive_message(from, deadline);
  if (!message || !message.value() || !message.value()->descriptor) return std::nullopt;
  return std::move(message.value()->descriptor);
}

Result<Fd> fork_server(const std::function<int(const Fd&)>& serve) {
  auto pair = message_pair();
  if (!pair) return pair.error();
  auto& [ours, theirs] = pair.value();
  auto started = fork_process([&ours = ours, &theirs = theirs, &serve] {
    ours.reset();
    return serve(theirs);
  });
  if (!started) return started.error();
  return std::move(ours);
}

}  // namespace handoff::sys
