#include "spool/records.hh"

#include <cerrno>

#include "spool/name.hh"
#include "spool/shared.hh"
#include "sys/clock.hh"
#include "sys/digest.hh"

namespace handoff::spool {

std::string record_name(const std::string& name, const std::string& key) {
  return name + ",P=" + sys::hex(sys::digest_of(key));
}

Status Records::add(const Staged& staged, const std::string& record, Durable durable) {
  auto done = add_name(*files_, *staged.folder, staged.name, directory_, record, shared_);
  if (done && durable == Durable::kByDirectory) {
    done = sync_name(*files_, directory_, record, shared_);
  }
  return done;
}

Result<bool> Records::has(const std::string& record) {
  auto info = files_->info_at(directory_, record);
  if (info || info.error().code == ENOENT) return info.ok();
  return info.error();
}

void Records::remove(const std::string& record) {
  static_cast<void>(files_->unlink(directory_, record).ok());
}

void Records::take_back(const std::string& record, const sys::Fd& staging) {
  static_cast<void>(spool::take_back(*files_, directory_, record, staging, shared_).ok());
}

Result<std::optional<EarlierCopy>> Records::find(const std::vector<std::string>& names,
                                                 const std::string& key, const Staged& staged) {
  using Found = std::optional<EarlierCopy>;
  sys::Fd opened;
  auto file = staged.open(*files_, opened);
  if (!file) return file.error();
  for (const auto& each : names) {
    std::string name(made_name(each));
    auto record = record_name(name, key);
    auto earlier = files_->open_file(directory_, record);
    if (!earlier && earlier.error().code == ENOENT) continue;
    if (!earlier) return earlier.error();
    auto same = is_same_message(*files_, earlier.value(), name, staged, *file.value());
    if (!same) return same.error();
    if (!same.value()) continue;
    // The process that made the earlier attempt may have died before it synced, and the 250 must
    // not be sent without a sync. The names before the record are durable with it.
    if (auto synced = files_->sync_file(earlier.value()); !synced) return synced.error();
    if (auto synced = files_->sync_directory(directory_); !synced) return synced.error();
    return Found(EarlierCopy{name, record});
  }
  return Found();
}

Status Records::expire(std::chrono::seconds window) {
  auto records = files_->list(directory_);
  if (!records) return records.error();
  for (const auto& record : records.value()) {
    auto info = files_->info_at(directory_, record);
    if (info && sys::Wall::now() - info.value().modified > window) remove(record);
  }
  return {};
}

}  // namespace handoff::spool
