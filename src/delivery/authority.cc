#include "delivery/authority.hh"

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>

#include "base/text.hh"
#include "recipients/layout.hh"
#include "recipients/resolver.hh"
#include "recipients/script.hh"
#include "spool/staging_folder.hh"

namespace handoff::delivery {
namespace {

constexpr std::string_view kScriptSuffix = ".sieve";
constexpr std::size_t kMostFolder = 254;  // octets: with the leading dot, a file name
// The maximum size of the trace header, which a staged file contains in addition to the content.
constexpr std::uint64_t kMostTrace = 64 << 10;  // octets

Error refused(const std::string& why) { return explained(EPERM, why); }

bool is_relative(std::string_view path) {
  return !path.starts_with('/') && recipients::is_trusted_path(path);
}

// A directory of a user: an absolute path, or none.
bool is_base(std::string_view path) {
  return path.empty() || path == "/" ||
         (path.starts_with('/') && recipients::is_trusted_path(path));
}

bool is_folder(std::string_view folder) {
  return folder.empty() || (recipients::is_plain_name(folder) && folder.size() <= kMostFolder);
}

// A name in new/ or cur/, or in staging.
bool is_name(std::string_view name) {
  return name.empty() || (recipients::is_plain_name(name) && name.find('/') == name.npos);
}

}  // namespace

Status check_owner(const MailboxOwner& owner, const conf::Config& config) {
  auto uid = std::to_string(owner.uid);
  if (owner.uid < config.delivery.first_uid) {
    return refused("uid " + uid +
                   " is below delivery.first-uid, so no mail is delivered as this user");
  }
  if (owner.gid < config.delivery.first_gid) {
    return refused("gid " + std::to_string(owner.gid) + " of uid " + uid +
                   " is below delivery.first-gid, so no mail is delivered with this group");
  }
  return {};
}

Result<std::unique_ptr<Authority>> Authority::make(const conf::Config& config, sys::Files& files,
                                                   const recipients::Tables& tables, uid_t worker) {
  std::unique_ptr<Authority> authority(new Authority(config, files, worker));
  recipients::ChainOptions options;
  options.fold = recipients::fold_whole(config.recipient_rules());
  for (const auto& lookup : config.recipients.lookups) {
    using Owners = LookupKind::Owners;
    if (lookup.kind.owners == Owners::kVerified) options.lookups.push_back(lookup);
    if (lookup.kind.owners == Owners::kReported) authority->others_ = true;
  }
  // Each query runs in a process that is killed at delivery.timeout.
  recipients::LookupContext context{.files = files,
                                    .spool = authority->no_spool_,
                                    .layout = config.spool.layout,
                                    .timeout = {},
                                    .tables = &tables};
  auto chain = recipients::Chain::make(options, context);
  if (!chain) return chain.error();
  authority->own_ = std::move(chain).value();
  return authority;
}

Status Authority::allows(const Request& request, const sys::Fd& spool,
                         const sys::Fd& staged) const {
  const auto& mailbox = request.mailbox;
  if (!mailbox.owner) return refused("no owner");
  if (auto allowed = check_owner(*mailbox.owner, config_); !allowed) return allowed;
  if (!is_base(mailbox.base) || !is_relative(mailbox.path))
    return refused("the path of the mailbox is invalid");
  if (!is_folder(mailbox.folder)) return refused("the name of the folder is invalid");
  if (std::ranges::any_of(mailbox.address, is_control)) return refused("no address");
  if (!is_base(mailbox.home)) return refused("the path of the home is invalid");
  auto known = knows(mailbox);
  if (!known) return known.error();
  if (request.verb == Verb::kOpenScript || request.verb == Verb::kWriteNote) {
    if (auto script = is_script(request, known.value()); !script) return script;
  }
  if (!is_name(request.stored_as) || !is_name(request.file))
    return refused("the name of the file is invalid");
  if (!request.has_message()) {
    return staged ? refused("a file came with a request that needs none") : Status();
  }
  return is_staged(request, spool, staged);
}

Result<bool> Authority::knows(const Mailbox& mailbox) const {
  auto answer = own_->find(Address::of_text(mailbox.address));
  if (!answer) return answer.error();
  const auto& known = answer.value().mailbox;
  bool same = known && known->owner == mailbox.owner && known->base == mailbox.base &&
              known->path == mailbox.path && known->quota == mailbox.quota &&
              known->home == mailbox.home && known->script == mailbox.script;
  if (same || others_) return same;
  return refused("the lookups know no such recipient");
}

Status Authority::is_script(const Request& request, bool known) const {
  const auto& sieve = config_.sieve;
  if (!sieve.enabled) return refused("sieve.enabled = no");
  auto own = recipients::personal_script(sieve.script, request.mailbox, config_.spool.path);
  if (!known && !request.mailbox.script.empty() && own && !own->ends_with(kScriptSuffix))
    return refused("the name of a script from a database, directory or map must end in .sieve");
  if (request.verb == Verb::kWriteNote) {
    if (own && request.path == *own + std::string(kNoteSuffix)) return {};
    return refused("not the path of the note about the owner's script");
  }
  if (own && request.path == *own) return {};
  auto included =
      recipients::script_path(sieve.include_directory, request.mailbox, config_.spool.path);
  auto slash = request.path.rfind('/');
  if (included && slash != std::string::npos && request.path.substr(0, slash) == *included &&
      request.path.ends_with(kScriptSuffix) &&
      recipients::is_trusted_path(request.path.substr(slash + 1)))
    return {};
  return refused("not the path of the owner's script");
}

Status Authority::is_staged(const Request& request, const sys::Fd& spool,
                            const sys::Fd& staged) const {
  if (!staged) return refused("no file came with the request");
  if (!is_relative(request.name) || request.name.find('/') != std::string::npos) {
    return refused("the name of the message is invalid");
  }
  auto info = files_.info(staged);
  if (!info) return info.error();
  const auto& file = info.value();
  if (!file.is_regular || file.owner != worker_ || file.size != request.size ||
      request.content_offset > file.size) {
    return refused("the file does not match the request");
  }
  if (file.size > config_.session.max_message_size + kMostTrace) {
    return refused("the file is larger than session.max-message-size");
  }
  auto find_in = [&](Result<sys::Fd> staging) -> Result<sys::FileInfo> {
    if (!staging) return staging.error();
    return spool::where_staged(files_, staging.value(), request.name, [&](const sys::Fd& folder) {
      return files_.info_at(folder, request.name);
    });
  };
  auto named = find_in(files_.open_directory(spool, ".handoff/staging"));
  // On a filesystem that several hosts can use: the directory of the host that has the spool.
  if (!named && named.error().code == ENOENT) {
    auto hosts = files_.open_directory(spool, ".handoff/hosts");
    auto tokens = hosts ? files_.list(hosts.value()) : hosts.error();
    if (tokens && tokens.value().size() == 1) {
      named = find_in(files_.open_directory(hosts.value(), tokens.value().front() + "/staging"));
    }
  }
  if (!named) return named.error();
  if (!named.value().is_same_file(file)) {
    return refused("the file is not the one in staging");
  }
  return {};
}

}  // namespace handoff::delivery
