// The part of a message that carries out what a script has decided for a recipient: several copies
// with one outcome. All become durable, or the names of all are removed again.
#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "spool/message.hh"
#include "spool/spool.hh"

namespace handoff::spool {
namespace {

constexpr std::size_t kComparedAtOnce = 16 << 10;  // octets

// What the log and the quota warnings say about all copies together.
void add(Delivered& all, const Delivered& one, bool first) {
  if (first) {
    all = one;
    return;
  }
  all.copied = all.copied || one.copied;
  all.already = all.already && one.already;
  if (one.quota) all.quota = one.quota;
}

// A mailbox of this process's user.
class OwnWriter final : public CopyWriter {
 public:
  explicit OwnWriter(MailboxWriter& writer) : writer_(writer) {}
  Result<std::optional<EarlierCopy>> find_earlier(const Staged& staged, const Mailbox& mailbox,
                                                  const std::vector<std::string>& names) override {
    return writer_.find_earlier(staged, mailbox, names);
  }
  Result<Delivered> deliver(const Staged& staged, const Mailbox& mailbox, std::string_view personal,
                            const Flags& flags) override {
    return writer_.deliver(staged, mailbox, personal, flags);
  }
  void remove(const Staged& staged, const Mailbox& mailbox, const std::string& file) override {
    writer_.remove(staged, mailbox, file);
  }

 private:
  MailboxWriter& writer_;
};

}  // namespace

Result<std::optional<Delivered>> Message::link_order(const Order& order,
                                                     std::string_view personal) {
  using Linked = Result<std::optional<Delivered>>;
  if (!personal.empty()) return std::optional<Delivered>();
  auto stored_before = stored_.size();
  auto before = done();
  auto undo = [&](Linked why) {
    this->undo(before);
    stored_.resize(stored_before);
    return why;
  };
  Delivered all;
  for (const auto& copy : order.copies) {
    bool first = &copy == order.copies.data();
    if (const auto* same = find_stored(copy)) {
      add(all, same->delivered, first);
      continue;
    }
    auto edition = prepare_edition(copy, false);
    if (!edition) return undo(edition.error());
    auto source = source_of(copy, edition.value());
    // A copy of an earlier attempt that was interrupted between two copies.
    auto earlier = copy.text ? Linked(std::optional<Delivered>()) : find_earlier_here(copy.mailbox);
    if (!earlier) return undo(earlier);
    if (!earlier.value()) {
      auto linked =
          spool_->writer().link(source, copy.mailbox, pending_in(copy.mailbox), copy.flags);
      if (!linked || !linked.value()) return undo(std::move(linked));
      links_.push_back({copy.mailbox, *linked.value()});
      earlier = std::move(linked);
    }
    add(all, *earlier.value(), first);
    stored_.push_back({copy.mailbox, copy.flags, edition.value(), *std::move(earlier).value()});
  }
  if (auto added = add_effects(order); !added) return undo(added.error());
  // If the sync fails, so does the plan, even if all copies are of an earlier try.
  all.awaits_sync = true;
  return std::optional(std::move(all));
}

// The record is the last name that the plan needs (effects.hh). It is made for every plan, because
// the script may be another one when the message is sent again. A mark of `duplicate` follows it:
// if this process ends between the two, the retry finds the record. Without a record, the mark
// would make the retry discard the message, although it was stored nowhere.
Status Message::add_effects(const Order& order) {
  auto is_late = [](const UserMark& each) { return each.kind == UserMark::Kind::kDuplicate; };
  for (const auto& outgoing : order.outgoing) {
    if (auto queued = queue(order.recipient, outgoing); !queued) return queued;
  }
  for (const auto& each : order.marks) {
    if (is_late(each)) continue;
    if (auto marked = mark(each); !marked) return marked;
  }
  if (auto recorded = record(order.recipient); !recorded) return recorded;
  for (const auto& each : order.marks) {
    if (is_late(each)) mark_recorded(each);
  }
  return {};
}

Message::Outcome Message::write_order(const Order& order, std::string_view personal) {
  OwnWriter writer(spool_->writer());
  return write_order(order, personal, writer);
}

Message::Outcome Message::write_order(const Order& order, std::string_view personal,
                                      CopyWriter& writer) {
  auto stored_before = stored_.size();
  auto before = done();
  auto undo = [&](const Error& why) {
    // First, because the record says that the copies exist.
    if (effects_) effects_->drop(before.effects);
    for (std::size_t i = stored_before; i < stored_.size(); ++i) {
      const auto& stored = stored_[i];
      if (!stored.delivered.already) writer.remove(staged(), stored.mailbox, stored.delivered.file);
    }
    stored_.resize(stored_before);
    return why;
  };
  Delivered all;
  for (const auto& copy : order.copies) {
    bool first = &copy == order.copies.data();
    if (const auto* same = find_stored(copy)) {
      add(all, same->delivered, first);
      continue;
    }
    auto edition = prepare_edition(copy, true);
    if (!edition) return undo(edition.error());
    auto source = source_of(copy, edition.value());
    Result<std::optional<Delivered>> earlier = std::optional<Delivered>();
    if (!copy.text) {
      earlier = find_earlier(copy.mailbox, [&](const std::vector<std::string>& names) {
        return writer.find_earlier(source, copy.mailbox, names);
      });
    }
    if (!earlier) return undo(earlier.error());
    if (!earlier.value()) {
      auto delivered = writer.deliver(source, copy.mailbox, personal, copy.flags);
      if (!delivered) return undo(delivered.error());
      earlier = std::optional(std::move(delivered).value());
    }
    add(all, *earlier.value(), first);
    stored_.push_back({copy.mailbox, copy.flags, edition.value(), *std::move(earlier).value()});
  }
  if (auto added = add_effects(order); !added) return undo(added.error());
  return all;
}

// Two recipients with the same mailbox share one copy if their scripts decide the same.
const Message::Stored* Message::find_stored(const CopyOrder& copy) const {
  const auto* edition = edition_of(copy);
  if (copy.text && edition == nullptr) return nullptr;
  auto found = std::ranges::find_if(stored_, [&](const Stored& stored) {
    return stored.edition == edition && stored.flags == copy.flags &&
           stored.mailbox.same_place(copy.mailbox);
  });
  return found == stored_.end() ? nullptr : &*found;
}

const Message::Edition* Message::edition_of(const CopyOrder& copy) const {
  if (!copy.text) return nullptr;
  auto same = [&](const Edition& edition) {
    return edition.text.lock() == copy.text || has_text(edition, *copy.text);
  };
  auto found = std::ranges::find_if(editions_, same);
  return found == editions_.end() ? nullptr : &*found;
}

// If the file cannot be read, the text gets another file.
bool Message::has_text(const Edition& edition, const std::string& text) const {
  if (edition.staging.size() != text.size()) return false;
  auto file = spool_->files_.open_file(edition.staging.directory(), edition.staging.name());
  std::array<char, kComparedAtOnce> octets;
  for (std::size_t at = 0; file && at < text.size();) {
    auto n = spool_->files_.read_at(file.value(), at, octets.data(), octets.size());
    if (!n || n.value() == 0) return false;
    auto read = std::string_view(octets.data(), n.value());
    if (std::string_view(text).substr(at, read.size()) != read) return false;
    at += read.size();
  }
  return file.ok();
}

Staged Message::source_of(const CopyOrder& copy, const Edition* edition) {
  auto source = staged();
  if (edition != nullptr) {
    source.name = edition->staging.name();
    source.size = edition->staging.size();
    source.content_offset = 0;
    source.folder = &edition->staging.directory();
    source.stored_as = staging_.name();
  }
  // Readers know a message by its name, whatever flags it has.
  bool taken = std::ranges::any_of(
      stored_, [&](const Stored& stored) { return stored.mailbox.same_place(copy.mailbox); });
  if (taken) source.stored_as = spool_->names_.next();
  return source;
}

// An edited message gets a file of its own in staging; `durable`: the shared sync of the message is
// over, so the file is synced at once.
Result<const Message::Edition*> Message::prepare_edition(const CopyOrder& copy, bool durable) {
  if (!copy.text) return nullptr;
  if (const auto* known = edition_of(copy)) return known;
  auto sync = durable ? sys::FileSync::kFile : spool_->file_sync_;
  auto staging = Staging::create(spool_->files_, staging_.directory(), spool_->names_.next(),
                                 /*exact=*/true, sync);
  if (!staging) return staging.error();
  if (auto done = staging.value().append(*copy.text); !done) return done.error();
  if (auto done = staging.value().end_content(); !done) return done.error();
  if (auto done = staging.value().complete(); !done) return done.error();
  editions_.push_back({copy.text, std::move(staging).value()});
  return &editions_.back();
}

}  // namespace handoff::spool
