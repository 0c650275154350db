#include "spool/staging.hh"

#include <utility>

namespace handoff::spool {
namespace {

// One write for a small message, large ones in pieces of this size, octets.
constexpr std::size_t kBuffer = 64 << 10;
// What is left for the final sync of a large message, about twice; octets.
constexpr std::uint64_t kUnsent = 1 << 20;
constexpr mode_t kMode = 0600;

}  // namespace

Result<Staging> Staging::create(sys::Files& files, const sys::Fd& directory, std::string name,
                                bool exact, sys::FileSync sync) {
  auto file = files.create(directory, name, kMode);
  if (!file) return file.error();
  return Staging(files, directory, std::move(name), std::move(file).value(), exact, sync);
}

Staging::Staging(sys::Files& files, const sys::Fd& directory, std::string name, sys::Fd file,
                 bool exact, sys::FileSync sync)
    : files_(&files),
      directory_(&directory),
      name_(std::move(name)),
      file_(std::move(file)),
      exact_(exact),
      sync_(sync) {}

Staging::Staging(Staging&& other) noexcept
    : files_(other.files_),
      directory_(other.directory_),
      name_(std::exchange(other.name_, {})),
      file_(std::move(other.file_)),
      exact_(other.exact_),
      sync_(other.sync_),
      newlines_(other.newlines_),
      buffer_(std::move(other.buffer_)),
      size_(other.size_),
      sent_(other.sent_),
      content_offset_(other.content_offset_),
      hash_(std::move(other.hash_)),
      digest_(other.digest_) {}

Staging::~Staging() {
  // Failing leaves a file for the sweep; there is nobody to tell who could do more.
  if (!name_.empty()) static_cast<void>(files_->unlink(*directory_, name_).ok());
}

Status Staging::append_trace(std::string_view octets) {
  auto stored = store(octets);
  content_offset_ = size_ + buffer_.size();
  return stored;
}

Status Staging::append(std::string_view octets) {
  hash_.add(octets);
  return store(octets);
}

Status Staging::store(std::string_view octets) {
  while (!octets.empty()) {
    auto piece = octets.substr(0, kBuffer);
    octets.remove_prefix(piece.size());
    if (exact_) {
      buffer_ += piece;
    } else {
      newlines_.convert(piece, buffer_);
    }
    if (buffer_.size() >= kBuffer) {
      if (auto done = flush(); !done) return done;
    }
  }
  return {};
}

Status Staging::flush() {
  auto done = files_->write(file_, buffer_);
  size_ += buffer_.size();
  buffer_.clear();
  // The disk works while the network does: the client waits for no more at the end of a large
  // message than at that of a small one.
  if (done && size_ - sent_ >= kUnsent) {
    done = files_->start_writing(file_, sent_, size_ - sent_);
    sent_ = size_;
  }
  return done;
}

Status Staging::end_content() {
  newlines_.finish(buffer_);
  auto done = flush();
  buffer_ = {};
  digest_ = hash_.finish();
  return done;
}

Status Staging::complete() {
  if (sync_ == sys::FileSync::kNamesInOrder) return files_->write_out(file_);
  if (auto done = files_->sync_data(file_); !done) return done;
  return sync_ == sys::FileSync::kFile ? files_->close(std::move(file_)) : Status();
}

Status Staging::sync_names() {
  if (sync_ == sys::FileSync::kFile) return {};
  if (auto done = files_->sync_file(file_); !done) return done;
  return files_->close(std::move(file_));
}

}  // namespace handoff::spool
