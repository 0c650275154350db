#include "proxy/line_encoder.hh"

namespace handoff::proxy {

void LineEncoder::encode(std::string_view octets, std::string& out) {
  while (!octets.empty()) {
    if (line_start_ && octets.front() == '.') out += '.';
    auto end = octets.find('\n');
    auto line = octets.substr(0, end);
    out += line;
    if (!line.empty()) last_ = line.back();
    line_start_ = end != std::string_view::npos;
    if (!line_start_) return;
    out += last_ == '\r' ? "\n" : "\r\n";
    last_ = '\n';
    octets.remove_prefix(end + 1);
  }
}

void LineEncoder::finish(std::string& out) {
  if (!line_start_) out += last_ == '\r' ? "\n" : "\r\n";
  out += ".\r\n";
}

}  // namespace handoff::proxy
