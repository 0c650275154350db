#include "delivery/authority.hh"

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>

#include "base/text.hh"
#include "recipients/layout.hh"
#include "recipients/resolver.hh"
#include "spool/crowd_folder.hh"

namespace handoff::delivery {
namespace {

constexpr std::size_t kMostFolder = 254;  // octets: with its dot a file's name

Error refused(const std::string& why) { return {EPERM, why, {}}; }

bool is_relative(std::string_view path) {
  return !path.starts_with('/') && recipients::is_trusted_path(path);
}

bool is_folder(std::string_view folder) {
  return folder.empty() || (recipients::is_plain_name(folder) && folder.size() <= kMostFolder);
}

// Those that are asked here: what they know comes from this host's files, or from where logins
// come from.
bool is_own(std::string_view lookup) { return lookup == "passwd" || lookup.starts_with("file:"); }

}  // namespace

Status check_owner(const MailboxOwner& owner, const conf::Config& config) {
  auto uid = std::to_string(owner.uid);
  if (owner.uid < config.delivery.first_uid) {
    return refused("uid " + uid + " is below delivery.first-uid, no mail is delivered as it");
  }
  if (owner.gid == 0)
    return refused("uid " + uid + " has root's group, no mail is delivered as it");
  return {};
}

Result<std::unique_ptr<Authority>> Authority::make(const conf::Config& config, sys::Files& files,
                                                   const recipients::Tables& tables, uid_t worker) {
  std::unique_ptr<Authority> authority(new Authority(config, files, worker));
  recipients::ChainOptions options;
  options.fold = recipients::fold_whole(config.recipient_rules());
  for (const auto& lookup : config.recipients.lookups) {
    if (is_own(lookup)) options.lookups.push_back(lookup);
    // These two name no owners.
    authority->others_ |= !is_own(lookup) && lookup != "mailbox" && lookup != "any";
  }
  // Each question is one of a process that is killed at delivery.timeout.
  recipients::Ground ground{files, authority->no_spool_, config.spool.layout, {}, &tables};
  auto chain = recipients::Chain::make(options, ground);
  if (!chain) return chain.error();
  authority->own_ = std::move(chain).value();
  return authority;
}

Status Authority::allows(const Request& request, const sys::Fd& spool,
                         const sys::Fd& staged) const {
  const auto& mailbox = request.mailbox;
  if (!mailbox.owner) return refused("no owner");
  if (auto allowed = check_owner(*mailbox.owner, config_); !allowed) return allowed;
  bool base =
      mailbox.base.empty() || (mailbox.base.starts_with('/') &&
                               (mailbox.base == "/" || recipients::is_trusted_path(mailbox.base)));
  if (!base || !is_relative(mailbox.path)) return refused("no path of a mailbox");
  if (!is_folder(mailbox.folder)) return refused("no name of a folder");
  if (std::ranges::any_of(mailbox.address, is_control)) return refused("no address");
  if (auto known = knows(mailbox); !known) return known;
  if (!request.has_message()) return staged ? refused("a file where none belongs") : Status();
  return is_staged(request, spool, staged);
}

Status Authority::knows(const Mailbox& mailbox) const {
  auto answer = own_->find(Address::of_text(mailbox.address));
  if (!answer) return answer.error();
  const auto& known = answer.value().mailbox;
  bool same = known && known->owner == mailbox.owner && known->base == mailbox.base &&
              known->path == mailbox.path && known->quota == mailbox.quota;
  if (same || others_) return {};
  return refused("the lookups know no such recipient");
}

Status Authority::is_staged(const Request& request, const sys::Fd& spool,
                            const sys::Fd& staged) const {
  if (!staged) return refused("no file of a message");
  if (!is_relative(request.name) || request.name.find('/') != std::string::npos) {
    return refused("no name of a message");
  }
  auto info = files_.info(staged);
  if (!info) return info.error();
  const auto& file = info.value();
  if (!file.is_regular || file.owner != worker_ || file.size != request.size ||
      request.content_offset > file.size) {
    return refused("the file is no message's");
  }
  auto staging = files_.open_directory(spool, ".handoff/staging");
  if (!staging) return staging.error();
  auto named = spool::where_staged(
      files_, staging.value(), request.name,
      [&](const sys::Fd& folder) { return files_.info_at(folder, request.name); });
  if (!named) return named.error();
  if (named.value().device != file.device || named.value().inode != file.inode) {
    return refused("the file is not the one in staging");
  }
  return {};
}

}  // namespace handoff::delivery
