#include "sys/socket_holder.hh"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>
#include <vector>

#include "base/text.hh"

namespace handoff::sys {
namespace {

constexpr char kListening[] = "0A";  // TCP_LISTEN

// Returns the words of each line of a table such as /proc/net/tcp.
std::vector<std::vector<std::string>> rows_of(const char* table) {
  std::vector<std::vector<std::string>> out;
  std::ifstream file(table);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    out.emplace_back();
    for (std::string word; words >> word;) out.back().push_back(word);
  }
  return out;
}

// Empty if it cannot be read, for example because the process has ended.
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> out;
  std::error_code failed;
  std::filesystem::directory_iterator entry(directory, failed);
  for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    out.push_back(entry->path());
  }
  return out;
}

// Returns the link of each descriptor that listens on the address: "socket:[4711]".
std::set<std::string> links_to(const Endpoint& endpoint) {
  std::set<std::string> out;
  auto add = [&](const std::string& inode) { out.insert("socket:[" + inode + "]"); };
  if (endpoint.is_unix) {
    // Num RefCount Protocol Flags Type St Inode Path
    for (const auto& row : rows_of("/proc/net/unix")) {
      if (row.size() == 8 && row[7] == endpoint.path) add(row[6]);
    }
    return out;
  }
  char port[16];
  std::snprintf(port, sizeof port, ":%04X", static_cast<unsigned>(endpoint.port));
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    // sl local_address rem_address st queues timer retransmits uid timeout inode
    for (const auto& row : rows_of(table)) {
      if (row.size() >= 10 && row[3] == kListening && row[1].ends_with(port)) add(row[9]);
    }
  }
  return out;
}

}  // namespace

std::optional<SocketHolder> holder_of(const Endpoint& endpoint) {
  auto links = links_to(endpoint);
  if (links.empty()) return std::nullopt;
  for (const auto& process : entries_of("/proc")) {
    auto pid = parse_number(process.filename().string());
    if (!pid) continue;
    for (const auto& descriptor : entries_of(process / "fd")) {
      std::error_code failed;
      auto link = std::filesystem::read_symlink(descriptor, failed).string();
      if (failed || !links.contains(link)) continue;
      SocketHolder holder{static_cast<pid_t>(*pid), {}};
      std::ifstream comm(process / "comm");
      std::getline(comm, holder.name);
      return holder;
    }
  }
  return std::nullopt;
}

}  // namespace handoff::sys
