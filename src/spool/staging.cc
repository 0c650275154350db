#include "spool/staging.hh"

#include <utility>

#include "spool/maildir.hh"

namespace handoff::spool {
namespace {

// A small message is written at once, a large one in pieces of this size, octets.
constexpr std::size_t kWriteSize = 64 << 10;
// Each time that this many octets of a large message have arrived, the kernel starts to write them
// to disk. The final sync has at most twice as many left to write.
constexpr std::uint64_t kUnsent = 1 << 20;

}  // namespace

Result<Staging> Staging::create(sys::Files& files, const sys::Fd& directory, std::string name,
                                bool exact, sys::FileSync sync) {
  auto file = files.create(directory, name, kFileMode);
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
      digester_(std::move(other.digester_)),
      digest_(other.digest_) {}

Staging::~Staging() {
  // If this fails, the file is left for the sweep.
  if (!name_.empty()) static_cast<void>(files_->unlink(*directory_, name_).ok());
}

Status Staging::append_trace(std::string_view octets) {
  auto stored = store(octets);
  content_offset_ = size_ + buffer_.size();
  return stored;
}

Status Staging::append(std::string_view octets) {
  digester_.add(octets);
  return store(octets);
}

Status Staging::store(std::string_view octets) {
  while (!octets.empty()) {
    auto piece = octets.substr(0, kWriteSize);
    octets.remove_prefix(piece.size());
    if (exact_) {
      buffer_ += piece;
    } else {
      newlines_.convert(piece, buffer_);
    }
    if (buffer_.size() >= kWriteSize) {
      if (auto done = flush(); !done) return done;
    }
  }
  return {};
}

Status Staging::flush() {
  auto done = files_->write(file_, buffer_);
  size_ += buffer_.size();
  buffer_.clear();
  // The disk writes while the message arrives, so that the client does not wait longer at the end
  // of a large message than at the end of a small one.
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
  digest_ = digester_.finish();
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
