#include "spool/lease.hh"

#include <array>
#include <cerrno>
#include <vector>

#include "base/text.hh"
#include "spool/maildir.hh"
#include "spool/name.hh"
#include "spool/staging_folder.hh"
#include "sys/process.hh"

namespace handoff::spool {
namespace {

constexpr char kHosts[] = "hosts";
constexpr char kLease[] = "lease";
constexpr char kNewLease[] = "lease.new";
constexpr char kStaging[] = "staging";
constexpr char kServer[] = "server";
constexpr std::string_view kNobody = "-";
// How often the staging directory of another host is read, because that host may still add names.
constexpr int kRounds = 100;

// "HOST.7" -> HOST, 7
std::pair<std::string, std::uint64_t> parts_of(const std::string& token) {
  auto dot = token.rfind('.');
  if (dot == token.npos) return {token, 0};
  return {token.substr(0, dot), parse_number(token.substr(dot + 1)).value_or(0)};
}

std::string token_of(const std::string& host, std::uint64_t generation) {
  return NameMaker(host).host() + "." + std::to_string(generation);
}

bool is_not_empty(int code) { return code == ENOTEMPTY || code == EEXIST; }

}  // namespace

Result<std::string> server_id(sys::Files& files, const sys::Fd& run, sys::Fd& file) {
  auto opened = files.open_to_append(run, kServer);
  if (!opened && opened.error().code == ENOENT) {
    opened = files.create(run, kServer, kFileMode);
    if (!opened && opened.error().code == EEXIST) opened = files.open_to_append(run, kServer);
  }
  if (!opened) return opened.error();
  auto info = files.info(opened.value());
  if (!info) return info.error();
  file = std::move(opened).value();
  return std::to_string(info.value().device) + ":" + std::to_string(info.value().inode);
}

std::string Lease::Holder::host() const { return parts_of(token).first; }

bool Lease::Holder::is(const Server& other) const {
  return !server.id.empty() && server.id == other.id && server.host.is_same(other.host) &&
         is_on(server.host);
}

bool Lease::Holder::is_on(const sys::Host& other) const {
  return !nobody && host() == NameMaker(other.name).host();
}

Result<Lease> Lease::open(sys::Files& files, const sys::Fd& own) {
  auto hosts = files.open_directory(own, kHosts);
  if (!hosts && hosts.error().code == ENOENT) {
    // Created with its first directory in it, so that no host sees it empty.
    auto fresh = std::string(kHosts) + "." + std::to_string(sys::random_number());
    auto made = files.make_directory(own, fresh, kDirectoryMode);
    auto inside = made ? files.open_directory(own, fresh) : Result<sys::Fd>(made.error());
    if (!inside) return inside.error();
    auto first = std::string(kNobody) + ".0";
    if (auto done = files.make_directory(inside.value(), first, kDirectoryMode); !done) {
      return done.error();
    }
    auto named = files.rename(own, fresh, own, kHosts);
    if (!named) {
      static_cast<void>(files.remove_directory(inside.value(), first).ok());
      static_cast<void>(files.remove_directory(own, fresh).ok());
      if (!is_not_empty(named.error().code)) return named.error();
    }
    hosts = files.open_directory(own, kHosts);
  }
  if (!hosts) return hosts.error();
  return Lease(files, own, std::move(hosts).value());
}

Result<Lease::Holder> Lease::holder() const {
  auto names = files_->list(hosts_);
  if (!names) return names.error();
  if (names.value().size() != 1) {
    // While a directory is renamed, a list may miss it.
    return explained(EAGAIN, "there must be one directory in .handoff/hosts");
  }
  Holder holder;
  holder.token = names.value().front();
  holder.nobody = holder.host() == kNobody;
  if (holder.nobody) return holder;
  auto directory = files_->open_directory(hosts_, holder.token);
  if (!directory && directory.error().code == ENOENT) return explained(EAGAIN, "hosts change");
  if (!directory) return directory.error();
  auto file = files_->open_file(directory.value(), kLease);
  if (!file && file.error().code == ENOENT) return holder;
  if (!file) return file.error();
  std::array<char, 2048> text;
  auto n = files_->read_at(file.value(), 0, text.data(), text.size());
  if (!n) return n.error();
  auto lines = split(std::string_view(text.data(), n.value()), '\n');
  if (lines.size() < 4) return holder;
  holder.beats = parse_number(lines[0]).value_or(0);
  if (auto host = sys::Host::parse(lines[1])) {
    holder.server = {*host, std::string(lines[2]), std::string(lines[3])};
  }
  return holder;
}

Status Lease::take(const Holder& from, const Server& server, const Record& record) {
  auto token = token_of(server.host.name, parts_of(from.token).second + 1);
  if (auto renamed = files_->rename(hosts_, from.token, hosts_, token); !renamed) return renamed;
  token_ = token;
  server_ = server;
  beats_ = from.beats;
  if (auto done = beat(); !done) return done;
  auto directory = files_->open_directory(hosts_, token_);
  if (!directory) return directory.error();
  for (int round = 1;; ++round) {
    auto staging = files_->open_directory(directory.value(), kStaging);
    if (!staging && staging.error().code == ENOENT) break;
    if (!staging) return staging.error();
    if (auto done = empty(staging.value(), record); !done) return done;
    auto removed = files_->remove_directory(directory.value(), kStaging);
    if (removed) break;
    if (!is_not_empty(removed.error().code) || round == kRounds) return removed;
  }
  // The staging directory of a version that did not distinguish hosts.
  if (auto before = files_->open_directory(*own_, kStaging)) {
    if (auto done = empty(before.value(), record); !done) return done;
  }
  auto made = files_->make_directory(directory.value(), kStaging, kDirectoryMode);
  return made ? files_->sync_directory(directory.value()) : made;
}

// Records each message before its name is removed, so that at any moment one of the two exists.
Status Lease::empty(const sys::Fd& directory, const Record& record) {
  auto names = files_->list(directory);
  if (!names) return names.error();
  for (const auto& name : names.value()) {
    if (auto done = beat_if_due(); !done) return done;
    auto info = files_->info_at(directory, name);
    if (!info && info.error().code == ENOENT) continue;
    if (!info) return info.error();
    if (info.value().is_directory) {
      auto below = files_->open_directory(directory, name);
      if (!below) return below.error();
      if (auto done = empty(below.value(), record); !done) return done;
      auto removed = files_->remove_directory(directory, name);
      if (!removed && !is_not_empty(removed.error().code)) return removed;
      continue;
    }
    // Names with a comma are further names of a message (mailbox_writer.cc).
    if (is_our_name(name) && name.find(',') == name.npos) {
      if (auto done = record(name, info.value().size); !done) return done;
    }
    auto removed = files_->unlink(directory, name);
    if (!removed && removed.error().code != ENOENT) return removed;
  }
  return {};
}

Status Lease::beat_if_due() {
  return sys::Steady::now() - beat_when_ < kBeatEvery ? Status() : beat();
}

Status Lease::beat() {
  auto directory = files_->open_directory(hosts_, token_);
  if (!directory && (directory.error().code == ENOENT || directory.error().code == ESTALE)) {
    return explained(ESTALE, "another host has taken the spool", token_, Reason::kSpoolInUse);
  }
  if (!directory) return directory.error();
  return write(directory.value());
}

// Replaces the file by a new one, so that no host reads half of it.
Status Lease::write(const sys::Fd& directory) {
  auto file = files_->create(directory, kNewLease, kFileMode);
  if (!file && file.error().code == EEXIST) {
    static_cast<void>(files_->unlink(directory, kNewLease).ok());
    file = files_->create(directory, kNewLease, kFileMode);
  }
  if (!file) return file.error();
  auto text = std::to_string(beats_ + 1) + "\n" + server_.host.text() + "\n" + server_.cluster +
              "\n" + server_.id + "\n";
  if (auto done = files_->write(file.value(), text); !done) return done;
  if (auto done = files_->sync_data(file.value()); !done) return done;
  if (auto done = files_->close(std::move(file).value()); !done) return done;
  if (auto done = files_->rename(directory, kNewLease, directory, kLease); !done) return done;
  ++beats_;
  beat_when_ = sys::Steady::now();
  return {};
}

Status Lease::release() {
  auto free = token_of(std::string(kNobody), parts_of(token_).second);
  return files_->rename(hosts_, token_, hosts_, free);
}

}  // namespace handoff::spool
