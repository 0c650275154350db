#include "proxy/content.hh"

#include <algorithm>
#include <cerrno>

namespace handoff::proxy {

Status Content::append(std::string_view octets) {
  memory_ += octets;
  size_ += octets.size();
  if (memory_.size() <= kInMemory) return {};
  if (!file_) {
    auto opened = open_();
    if (!opened) return opened.error();
    file_ = std::move(opened).value();
  }
  if (auto done = files_->write(file_, memory_); !done) return done;
  written_ += memory_.size();
  memory_.clear();
  return {};
}

Status Content::read(std::uint64_t offset, std::size_t most, std::string& out) const {
  if (offset >= written_) {
    out += std::string_view(memory_).substr(offset - written_, most);
    return {};
  }
  auto before = out.size();
  out.resize(before + std::min<std::uint64_t>(most, written_ - offset));
  auto got = files_->read_at(file_, offset, out.data() + before, out.size() - before);
  out.resize(before + (got ? got.value() : 0));
  if (!got) return got.error();
  return got.value() > 0 ? Status() : Status(Error{EIO, "read the content", {}});
}

}  // namespace handoff::proxy
