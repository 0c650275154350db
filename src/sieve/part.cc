#include "sieve/part.hh"

#include <algorithm>

#include "base/text.hh"

namespace handoff::sieve {
namespace {

std::string_view without_line_end(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

enum class Boundary : std::uint8_t { kText, kDelimiter, kClose };

// RFC 2046 5.1.1: "--boundary", "--boundary--", with blanks after it.
Boundary boundary_at(std::string_view line, std::string_view boundary) {
  if (!line.starts_with("--") || !line.substr(2).starts_with(boundary)) return Boundary::kText;
  auto rest = line.substr(2 + boundary.size());
  bool close = rest.starts_with("--");
  if (close) rest.remove_prefix(2);
  if (!trim(without_line_end(rest)).empty()) return Boundary::kText;
  return close ? Boundary::kClose : Boundary::kDelimiter;
}

class PartParser {
 public:
  explicit PartParser(const Limits& limits) : limits_(limits) {}

  Part part(std::string_view text, std::size_t depth, std::string_view default_type) {
    ++parts_;
    Part out;
    out.text = text;
    out.header = parse_header(text);
    out.header_text = text.substr(0, out.header.size);
    out.body = text.substr(out.header.size);
    // A message may end after its header; only an empty line begins a body.
    out.has_body = out.header_text == "\n" || out.header_text == "\r\n" ||
                   out.header_text.ends_with("\n\n") || out.header_text.ends_with("\n\r\n");
    auto type = out.header.first("Content-Type");
    out.type = parse_content_type(type.empty() ? default_type : type);
    if (depth >= limits_.mime_depth) return out;
    if (out.multipart()) {
      auto boundary = out.type.parameter("boundary");
      if (!boundary.empty()) split_multipart(out, boundary, depth);
    } else if (out.message() && parts_ < limits_.mime_parts && !encoded(out)) {
      out.children.push_back(part(out.body, depth + 1, {}));
    }
    return out;
  }

 private:
  static bool encoded(const Part& part) {
    auto encoding = lower(trim(part.encoding()));
    return encoding == "base64" || encoding == "quoted-printable";
  }

  void split_multipart(Part& out, std::string_view boundary, std::size_t depth) {
    auto rest = out.body;
    std::size_t from = 0;  // where the current section begins
    bool inside = false;   // after the first boundary
    std::size_t at = 0;
    auto section = [&](std::size_t end) { return rest.substr(from, end - from); };
    auto finish = [&](std::size_t end) {
      if (!inside) {
        out.prologue = section(end);
      } else if (parts_ < limits_.mime_parts) {
        auto default_type = out.type.subtype == "digest" ? "message/rfc822" : "";
        out.children.push_back(part(without_line_end(section(end)), depth + 1, default_type));
      }
    };
    while (at < rest.size()) {
      auto end = std::min(rest.find('\n', at), rest.size() - 1) + 1;
      auto kind = boundary_at(rest.substr(at, end - at), boundary);
      if (kind != Boundary::kText) {
        finish(at);
        inside = true;
        from = end;
        if (kind == Boundary::kClose) {
          out.epilogue = rest.substr(end);
          return;
        }
      }
      at = end;
    }
    finish(rest.size());
  }

  const Limits& limits_;
  std::size_t parts_ = 0;
};

void append_text(const Part& part, std::string& out) {
  if (part.replacement) {
    out += *part.replacement;
    return;
  }
  // The children are slices of the text, in its order.
  auto at = part.text.begin();
  for (const auto& child : part.children) {
    out.append(at, child.text.begin());
    append_text(child, out);
    at = child.text.end();
  }
  out.append(at, part.text.end());
}

}  // namespace

Part parse_part(std::string_view text, const Limits& limits) {
  return PartParser(limits).part(text, 0, {});
}

std::string render(const Part& part) {
  std::string out;
  append_text(part, out);
  return out;
}

std::optional<std::string> Part::decoded() const {
  auto how = lower(trim(encoding()));
  static constexpr std::string_view kKnown[] = {
      "", "7bit", "8bit", "binary", "base64", "quoted-printable", "x-uuencode"};
  if (std::ranges::find(kKnown, how) == std::end(kKnown)) return std::nullopt;
  auto octets = decode_transfer(body, how);
  if (type.type != "text" && type.subtype != "xhtml+xml") return octets;
  return to_utf8(octets, type.parameter("charset")).value_or(octets);
}

}  // namespace handoff::sieve
