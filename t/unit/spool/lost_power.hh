// A model of the disk, driven by a log of calls (watched_files.hh), with a power failure between
// any two of them.
//
//   ModelDisk disk(place);                       // existing files are on disk
//   for (const Call& call : calls) {
//     disk.apply(call);
//     disk.each_outcome([](const Tree& tree) { ... });   // a power failure
//   }
//
// An outcome is a tree that the filesystem may contain afterwards. An unsynced file has none, half
// or all of its content, or as many zeros (delayed allocation). POSIX allows the tree to have any
// subset of the changes of names that no sync of the directory followed. On ext4, XFS and btrfs it
// has all changes up to some moment, and any sync includes all earlier changes. On GlusterFS a sync
// of a directory does nothing, one of a file includes the names that it was given or has lost, and
// the names of one file reach the disk in their order.
//
// The class is here and not in src/, because only tests use it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "watched_files.hh"

// Path from the root -> octets; nothing: a directory.
using Tree = std::map<std::string, std::optional<std::string>>;

enum class Metadata { kAnyOrder, kInOrder, kByFile };

class ModelDisk {
 public:
  explicit ModelDisk(const std::filesystem::path& place, Metadata metadata = Metadata::kAnyOrder)
      : metadata_(metadata) {
    nodes_.push_back({.directory = true});
    load(place, 0);
  }

  // Applies `call`; a failed call has no effect, except half of a write.
  void apply(const Call& call) {
    if (call.failed != 0 && call.op != Op::kWrite) return;
    switch (call.op) {
      case Op::kMakeDirectory:
        add(call.path, new_node(true));
        break;
      case Op::kCreate:
        add(call.path, new_node(false));
        break;
      case Op::kLink:
        add(call.target, node(call.path));
        break;
      case Op::kRename:
        add(call.target, node(call.path));
        remove(call.path);
        break;
      case Op::kUnlink:
        remove(call.path);
        break;
      case Op::kWrite:
        nodes_[node(call.path)].octets +=
            call.failed != 0 ? call.octets.substr(0, call.octets.size() / 2) : call.octets;
        break;
      case Op::kSyncData:
        nodes_[node(call.path)].kept = nodes_[node(call.path)].octets;
        if (metadata_ == Metadata::kInOrder) settle_all();
        break;
      case Op::kWriteOut:
        // If names are ordered, later changes of names do not reach the disk before data that was
        // written out.
        if (metadata_ == Metadata::kInOrder) nodes_[node(call.path)].kept = octets_of(call.path);
        break;
      case Op::kSyncFile:
        if (metadata_ == Metadata::kByFile) {
          settle_file(open_node(call.path));
          break;
        }
        nodes_[node(call.path)].kept = octets_of(call.path);
        if (metadata_ == Metadata::kInOrder) settle_all();
        break;
      case Op::kSyncDirectory:
        if (metadata_ == Metadata::kInOrder) settle_all();
        if (metadata_ == Metadata::kAnyOrder) settle(node(call.path));
        break;
      default:
        break;
    }
  }

  // Calls `see` once with each possible tree. If there are more than kOutcomes, uses a sample that
  // includes the simplest ones.
  void each_outcome(const std::function<void(const Tree&)>& see) const {
    std::vector<std::size_t> torn;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (!nodes_[i].directory && nodes_[i].octets != nodes_[i].kept) torn.push_back(i);
    }
    auto names = pending_.size();
    // Ordered: the number of changes that were kept. Otherwise a bit for each change.
    std::uint64_t ways = metadata_ == Metadata::kInOrder ? names + 1 : std::uint64_t{1} << names;
    std::uint64_t all = ways << (2 * torn.size());
    std::set<Tree> seen;
    std::uint64_t random = 1;
    for (std::uint64_t i = 0; i < std::min(all, kOutcomes); ++i) {
      std::uint64_t way = i;
      if (all > kOutcomes && i >= kOutcomes / 2) {  // the first half in order, and the last one
        random = random * 6364136223846793005 + 1442695040888963407;
        way = i + 1 == kOutcomes ? all - 1 : (random >> 11) % all;
      }
      auto tree = outcome(way >> (2 * torn.size()), torn, way);
      if (seen.insert(tree).second) see(tree);
    }
  }

 private:
  static constexpr std::uint64_t kOutcomes = 1 << 8;
  static constexpr std::size_t kGone = SIZE_MAX;
  struct Node {
    bool directory = false;
    std::map<std::string, std::size_t> names = {};  // entries of a directory, on disk
    std::string octets = {};                        // content of a file, as readers see it
    std::string kept = {};                          // content of a file, on disk
  };
  // A name that was created or removed in a directory without being synced.
  struct Change {
    std::size_t directory;
    std::string name;
    std::size_t node;  // kGone: it was removed
    std::size_t of;    // the node that got or lost the name
  };

  std::size_t new_node(bool directory) {
    nodes_.push_back({.directory = directory});
    return nodes_.size() - 1;
  }

  void load(const std::filesystem::path& place, std::size_t into) {
    for (const auto& entry : std::filesystem::directory_iterator(place)) {
      auto name = entry.path().filename().string();
      if (name == "ledger") continue;  // large, and irrelevant after a power cut
      auto made = new_node(entry.is_directory());
      nodes_[into].names[name] = made;
      if (entry.is_directory()) {
        load(entry.path(), made);
      } else {
        std::ifstream in(entry.path(), std::ios::binary);
        nodes_[made].octets.assign(std::istreambuf_iterator<char>(in), {});
        nodes_[made].kept = nodes_[made].octets;
      }
    }
  }

  // Returns the node that has this name before the power failure.
  std::size_t find(std::size_t directory, const std::string& name) const {
    for (auto change = pending_.rbegin(); change != pending_.rend(); ++change) {
      if (change->directory == directory && change->name == name) return change->node;
    }
    return nodes_[directory].names.at(name);  // callers only use existing names
  }
  std::size_t node(const std::string& path) const {
    std::size_t at = 0;
    if (path == ".") return at;
    for (const auto& part : std::filesystem::path(path)) at = find(at, part.string());
    return at;
  }
  void note_change(const std::string& path, std::size_t target, std::size_t of) {
    std::filesystem::path whole(path);
    auto parent = whole.parent_path().string();
    pending_.push_back(
        {node(parent.empty() ? "." : parent), whole.filename().string(), target, of});
  }
  void add(const std::string& path, std::size_t target) {
    note_change(path, target, target);
    opened_[path] = target;
  }
  void remove(const std::string& path) { note_change(path, kGone, node(path)); }
  // A file that is open may have lost the name under which it was opened.
  std::size_t open_node(const std::string& path) const {
    auto found = opened_.find(path);
    return found == opened_.end() ? node(path) : found->second;
  }

  const std::string& octets_of(const std::string& path) const { return nodes_[node(path)].octets; }

  static void put(std::map<std::string, std::size_t>& names, const Change& change) {
    if (change.node == kGone) {
      names.erase(change.name);
    } else {
      names[change.name] = change.node;
    }
  }
  void settle(std::size_t directory) {
    for (const auto& change : pending_) {
      if (change.directory == directory) put(nodes_[directory].names, change);
    }
    std::erase_if(pending_, [&](const Change& change) { return change.directory == directory; });
  }
  // Includes the directories that contain the names.
  void settle_file(std::size_t file) {
    nodes_[file].kept = nodes_[file].octets;
    std::set<std::size_t> wanted{file};
    for (auto change = pending_.rbegin(); change != pending_.rend(); ++change) {
      if (wanted.contains(change->of)) wanted.insert(change->directory);
    }
    for (const auto& change : pending_) {
      if (wanted.contains(change.of)) put(nodes_[change.directory].names, change);
    }
    std::erase_if(pending_, [&](const Change& change) { return wanted.contains(change.of); });
  }
  void settle_all() {
    for (const auto& change : pending_) put(nodes_[change.directory].names, change);
    pending_.clear();
  }

  Tree outcome(std::uint64_t kept, const std::vector<std::size_t>& torn, std::uint64_t data) const {
    auto nodes = nodes_;
    std::set<std::size_t> lost;
    for (std::size_t i = 0; i < pending_.size(); ++i) {
      const auto& change = pending_[i];
      bool is_kept = metadata_ == Metadata::kInOrder ? i < kept : (kept >> i & 1) != 0;
      // The names of one file are on one server, in their order.
      if (metadata_ == Metadata::kByFile && lost.contains(change.of)) is_kept = false;
      if (is_kept) {
        put(nodes[change.directory].names, change);
      } else {
        lost.insert(change.of);
      }
    }
    for (std::size_t i = 0; i < torn.size(); ++i) {
      auto& file = nodes[torn[i]];
      auto more = file.octets.substr(file.kept.size());
      switch (data >> (2 * i) & 3) {
        case 0:
          break;
        case 1:
          file.kept += more.substr(0, more.size() / 2);
          break;
        case 2:
          file.kept += std::string(more.size(), '\0');
          break;
        default:
          file.kept = file.octets;
      }
    }
    Tree tree;
    collect(nodes, 0, "", tree);
    return tree;
  }
  static void collect(const std::vector<Node>& nodes, std::size_t from, const std::string& prefix,
                      Tree& into) {
    for (const auto& [name, index] : nodes[from].names) {
      const auto& node = nodes[index];
      into[prefix + name] = node.directory ? std::nullopt : std::optional(node.kept);
      if (node.directory) collect(nodes, index, prefix + name + "/", into);
    }
  }

  Metadata metadata_;
  std::vector<Node> nodes_;
  std::vector<Change> pending_;                // in the order in which they were made
  std::map<std::string, std::size_t> opened_;  // the last file that had this path
};
