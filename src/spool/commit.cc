#include "spool/commit.hh"

#include <vector>

#include "spool/links.hh"
#include "spool/maildir.hh"

namespace handoff::spool {
namespace {

constexpr mode_t kMode = 0600;
constexpr std::size_t kCopyBuffer = 256 << 10;  // octets
// A file in MAILBOX/tmp, gone with the object.
struct Temporary {
  sys::Files& files;
  sys::Fd directory;
  std::string name;
  ~Temporary() { static_cast<void>(files.unlink(directory, name).ok()); }
};

// Makes `name` in new/ durable, or takes it away again: after a 4xx the client comes again, and
// must not find its message there already.
Status publish(sys::Files& files, const sys::Fd& new_directory, const std::string& name) {
  auto synced = files.sync_directory(new_directory);
  if (!synced) static_cast<void>(files.unlink(new_directory, name).ok());
  return synced;
}

// Copies staging into `file`, with `personal` behind its first line. Returns the octets written.
Result<std::uint64_t> copy(sys::Files& files, const sys::Fd& source, const sys::Fd& file,
                           std::string_view personal) {
  std::vector<char> buffer(kCopyBuffer);
  std::uint64_t offset = 0;
  bool first_line = !personal.empty();
  for (;;) {
    auto n = files.read_at(source, offset, buffer.data(), buffer.size());
    if (!n) return n.error();
    std::string_view octets(buffer.data(), n.value());
    if (octets.empty()) return offset + (first_line ? 0 : personal.size());
    offset += octets.size();
    if (first_line && octets.find('\n') != octets.npos) {
      auto line = octets.substr(0, octets.find('\n') + 1);
      octets.remove_prefix(line.size());
      for (auto piece : {line, personal}) {
        if (auto done = files.write(file, piece); !done) return done.error();
      }
      first_line = false;
    }
    if (auto done = files.write(file, octets); !done) return done.error();
  }
}

Result<Delivered> copy_into(sys::Files& files, const sys::Fd& root, const Staged& staged,
                            const Mailbox& mailbox, std::string_view personal,
                            const sys::Fd& new_directory, NameMaker& names) {
  auto tmp = open_in(files, root, mailbox, "tmp");
  if (!tmp) return tmp.error();
  auto name = names.next();
  auto file = files.create(tmp.value(), name, kMode);
  if (!file) return file.error();
  Temporary temporary{files, std::move(tmp).value(), name};

  auto size = copy(files, staged.file, file.value(), personal);
  if (!size) return size.error();
  if (auto done = files.sync_data(file.value()); !done) return done.error();
  if (auto done = files.close(std::move(file).value()); !done) return done.error();
  // Under the staged one's name: by that a retry finds it.
  auto linked = link_unique(files, temporary.directory, name, new_directory,
                            with_size(staged.name, size.value()), size.value(), names);
  if (!linked) return linked.error();
  if (auto done = publish(files, new_directory, linked.value()); !done) return done.error();
  return Delivered{linked.value(), size.value(), true, false};
}

}  // namespace

Result<Delivered> commit_copy(sys::Files& files, const sys::Fd& root, const Staged& staged,
                              const Mailbox& mailbox, std::string_view personal, NameMaker& names) {
  auto new_directory = open_new(files, root, mailbox);
  if (!new_directory) return new_directory.error();
  return copy_into(files, root, staged, mailbox, personal, new_directory.value(), names);
}

Result<Delivered> commit(sys::Files& files, const sys::Fd& root, const Staging& staging,
                         const Mailbox& mailbox, std::string_view personal, NameMaker& names) {
  auto new_directory = open_new(files, root, mailbox);
  if (!new_directory) return new_directory.error();
  if (personal.empty()) {
    auto linked = link_unique(files, staging.directory(), staging.name(), new_directory.value(),
                              with_size(staging.name(), staging.size()), staging.size(), names);
    if (linked) {
      auto done = publish(files, new_directory.value(), linked.value());
      if (!done) return done.error();
      return Delivered{linked.value(), staging.size(), false, false};
    }
    if (!wants_copy(linked.error().code)) return linked.error();
  }
  auto source = files.open_file(staging.directory(), staging.name());
  if (!source) return source.error();
  return copy_into(files, root,
                   {source.value(), staging.name(), staging.size(), staging.content_offset()},
                   mailbox, personal, new_directory.value(), names);
}

}  // namespace handoff::spool
