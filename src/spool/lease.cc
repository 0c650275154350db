#include "spool/lease.hh"

#include <array>
#include <cerrno>
#include <vector>

#include "base/text.hh"
#include "spool/access.hh"
#include "spool/name.hh"
#include "spool/own_directory.hh"
#include "spool/sweep.hh"
#include "spool/takeover.hh"
#include "sys/process.hh"

namespace handoff::spool {
namespace {

constexpr char kHosts[] = "hosts";
constexpr char kLease[] = "lease";
constexpr char kNewLease[] = "lease.new";
constexpr char kStaging[] = "staging";
constexpr char kTaken[] = "taken";
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

// How many digits the number has in the file; 2^64 has no more.
constexpr std::size_t kNumberDigits = 20;

bool is_full(int code) { return code == ENOSPC || code == EDQUOT; }

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

Result<std::size_t> Lease::take(const Holder& from, const Server& server) {
  server_ = server;
  beats_ = from.beats;
  auto lease = kComingLease + std::to_string(sys::random_number());
  auto renamed = write(*own_, lease);
  if (renamed) renamed = rename_directory(from, lease);
  if (!renamed) {
    static_cast<void>(files_->unlink(*own_, lease).ok());
    auto error = renamed.error();
    error.path.clear();  // it is different each time
    return error;
  }
  auto directory = files_->open_directory(hosts_, token_);
  if (!directory) return directory.error();
  auto taken = open_or_make(*files_, directory.value(), kTaken);
  if (!taken) return taken.error();
  if (auto fenced = fence(directory.value(), taken.value()); !fenced) return fenced.error();
  auto settled = settle(*files_, *own_, taken.value(), [&] { return beat_if_due(); });
  if (!settled) return settled;
  if (auto done = files_->remove_directory(directory.value(), kTaken); !done) return done.error();
  auto made = files_->make_directory(directory.value(), kStaging, kDirectoryMode);
  if (made) made = files_->sync_directory(directory.value());
  return made ? settled : made.error();
}

// `lease` is ours, in SPOOL/.handoff.
Status Lease::rename_directory(const Holder& from, const std::string& lease) {
  auto token = token_of(server_.host.name, parts_of(from.token).second + 1);
  if (auto renamed = files_->rename(hosts_, from.token, hosts_, token); !renamed) return renamed;
  token_ = token;
  auto directory = files_->open_directory(hosts_, token_);
  if (!directory) return directory.error();
  return count_beat(files_->rename(*own_, lease, directory.value(), kLease));
}

// Afterwards the earlier host has no staging directory.
Status Lease::fence(const sys::Fd& directory, const sys::Fd& taken) {
  for (int round = 1;; ++round) {
    auto staging = files_->open_directory(directory, kStaging);
    if (!staging && staging.error().code == ENOENT) break;
    if (!staging) return staging.error();
    if (auto done = empty(staging.value(), taken); !done) return done;
    auto removed = files_->remove_directory(directory, kStaging);
    if (removed) break;
    if (!is_not_empty(removed.error().code) || round == kRounds) return removed;
  }
  // The staging directory of a version that did not distinguish hosts.
  auto before = files_->open_directory(*own_, kStaging);
  return before ? empty(before.value(), taken) : Status();
}

// Moves the messages, and removes all other names.
Status Lease::empty(const sys::Fd& staging, const sys::Fd& taken) {
  auto names = files_->list(staging);
  if (!names) return names.error();
  for (const auto& name : names.value()) {
    if (auto done = beat_if_due(); !done) return done;
    auto info = files_->info_at(staging, name);
    if (!info && info.error().code == ENOENT) continue;
    if (!info) return info.error();
    if (info.value().is_directory) {
      auto below = files_->open_directory(staging, name);
      if (!below) return below.error();
      if (auto done = empty(below.value(), taken); !done) return done;
      auto removed = files_->remove_directory(staging, name);
      if (!removed && !is_not_empty(removed.error().code)) return removed;
      continue;
    }
    // Names with a comma are further names of a message (shared.hh).
    bool is_message = is_our_name(name) && name.find(',') == name.npos;
    auto gone =
        is_message ? files_->rename(staging, name, taken, name) : files_->unlink(staging, name);
    if (!gone && gone.error().code != ENOENT) return gone;
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
  // Replaces the file by a new one, so that no host reads half of it.
  auto renewed = write(directory.value(), kNewLease);
  if (renewed) renewed = files_->rename(directory.value(), kNewLease, directory.value(), kLease);
  if (!renewed && is_full(renewed.error().code)) {
    auto file = files_->open_to_overwrite(directory.value(), kLease);
    renewed = file ? write(std::move(file).value()) : Status(file.error());
  }
  return count_beat(std::move(renewed));
}

Status Lease::count_beat(Status written) {
  if (!written) return written;
  ++beats_;
  beat_when_ = sys::Steady::now();
  return written;
}

Status Lease::write(const sys::Fd& directory, const std::string& name) {
  auto file = files_->create(directory, name, kFileMode);
  if (!file && file.error().code == EEXIST) {
    static_cast<void>(files_->unlink(directory, name).ok());
    file = files_->create(directory, name, kFileMode);
  }
  return file ? write(std::move(file).value()) : Status(file.error());
}

// The text of one server always has the same size.
Status Lease::write(sys::Fd file) {
  auto number = std::to_string(beats_ + 1);
  auto text = std::string(kNumberDigits - number.size(), '0') + number + "\n" +
              server_.host.text() + "\n" + server_.cluster + "\n" + server_.id + "\n";
  if (auto done = files_->write(file, text); !done) return done;
  if (auto done = files_->sync_data(file); !done) return done;
  return files_->close(std::move(file));
}

Status Lease::release() {
  auto free = token_of(std::string(kNobody), parts_of(token_).second);
  return files_->rename(hosts_, token_, hosts_, free);
}

}  // namespace handoff::spool
