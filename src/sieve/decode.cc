#include "sieve/decode.hh"

#include <gmime/gmime.h>
#include <iconv.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/text.hh"
#include "base/unicode.hh"

namespace handoff::sieve {
namespace {

// GMime has tables that must be initialised before any other call.
void start_gmime() {
  static const bool kStarted = [] {
    ::g_mime_init();
    return true;
  }();
  static_cast<void>(kStarted);
}

struct Free {
  void operator()(char* text) const { ::g_free(text); }
};
using GText = std::unique_ptr<char, Free>;

struct Unref {
  void operator()(void* object) const { ::g_object_unref(object); }
};

std::string text_of(const char* text) { return text == nullptr ? "" : text; }

std::vector<std::pair<std::string, std::string>> parameters_of(GMimeParamList* list) {
  std::vector<std::pair<std::string, std::string>> out;
  for (int i = 0; i < ::g_mime_param_list_length(list); ++i) {
    auto* param = ::g_mime_param_list_get_parameter_at(list, i);
    out.emplace_back(text_of(::g_mime_param_get_name(param)),
                     text_of(::g_mime_param_get_value(param)));
  }
  return out;
}

struct EncodedWord {
  std::string charset;
  std::string octets;
  std::size_t size = 0;
};

// RFC 2047 2: "=?charset?B?...?=" at the start of `text`; a language after "*" is ignored.
std::optional<EncodedWord> encoded_word(std::string_view text) {
  if (!text.starts_with("=?")) return std::nullopt;
  auto encoding = text.find('?', 2);
  if (encoding == std::string_view::npos || encoding == 2 || encoding + 2 >= text.size() ||
      text[encoding + 2] != '?') {
    return std::nullopt;
  }
  auto end = text.find("?=", encoding + 3);
  if (end == std::string_view::npos) return std::nullopt;
  std::string content(text.substr(encoding + 3, end - encoding - 3));
  bool base64 = lower(text[encoding + 1]) == 'b';
  if ((!base64 && lower(text[encoding + 1]) != 'q') || content.find(' ') != std::string::npos) {
    return std::nullopt;
  }
  if (!base64) std::ranges::replace(content, '_', ' ');
  auto charset = text.substr(2, encoding - 2);
  EncodedWord word;
  word.charset = charset.substr(0, charset.find('*'));
  word.octets = decode_transfer(content, base64 ? "base64" : "quoted-printable");
  word.size = end + 2;
  return word;
}

}  // namespace

// GMime 3.2.13 loses the second of two encoded words in a row, so the words are found here.
std::string decode_words(std::string_view text) {
  std::string out;
  std::string octets;   // of words with one character set: a character may begin in one and end
  std::string charset;  // in the next
  auto flush = [&] {
    out += to_utf8(octets, charset).value_or(octets);
    octets.clear();
  };
  bool after_word = false;
  while (!text.empty()) {
    auto start = std::min(text.find("=?"), text.size());
    auto before = text.substr(0, start);
    auto word = encoded_word(text.substr(start));
    if (!word) {
      flush();
      out += text.substr(0, std::max<std::size_t>(start, 1));
      text.remove_prefix(std::max<std::size_t>(start, 1));
      after_word = false;
      continue;
    }
    // Blanks between two words are not part of the text.
    bool blank = before.find_first_not_of(" \t") == std::string_view::npos;
    if (!after_word || !blank || !iequals(charset, word->charset)) flush();
    if (!after_word || !blank) out += before;
    charset = word->charset;
    octets += word->octets;
    text.remove_prefix(start + word->size);
    after_word = true;
  }
  flush();
  return out;
}

std::string encode_words(std::string_view text) {
  if (all_ascii(text)) return std::string(text);
  start_gmime();
  GText encoded(::g_mime_utils_header_encode_text(nullptr, std::string(text).c_str(), "utf-8"));
  // GMime folds between words, but here the writer of the field does the folding.
  auto out = text_of(encoded.get());
  std::erase_if(out, [](char c) { return c == '\r' || c == '\n'; });
  std::ranges::replace(out, '\t', ' ');
  return out;
}

std::string decode_transfer(std::string_view body, std::string_view encoding) {
  start_gmime();
  auto kind = ::g_mime_content_encoding_from_string(std::string(trim(encoding)).c_str());
  if (kind != GMIME_CONTENT_ENCODING_BASE64 && kind != GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE &&
      kind != GMIME_CONTENT_ENCODING_UUENCODE) {
    return std::string(body);
  }
  GMimeEncoding state;
  ::g_mime_encoding_init_decode(&state, kind);
  std::string out(::g_mime_encoding_outlen(&state, body.size()), '\0');
  out.resize(::g_mime_encoding_step(&state, body.data(), body.size(), out.data()));
  return out;
}

std::optional<std::string> to_utf8(std::string_view text, std::string_view charset) {
  if (charset.empty() || iequals(charset, "us-ascii") || iequals(charset, "utf-8")) {
    if (is_utf8(text)) return std::string(text);
    charset = "utf-8";
  }
  start_gmime();
  auto converter =
      ::g_mime_iconv_open("UTF-8", ::g_mime_charset_iconv_name(std::string(charset).c_str()));
  if (converter == reinterpret_cast<iconv_t>(-1)) return std::nullopt;
  std::string out;
  std::string in(text);
  char* from = in.data();
  std::size_t left = in.size();
  while (left > 0) {
    char buffer[4096];
    char* to = buffer;
    std::size_t room = sizeof buffer;
    auto rc = ::iconv(converter, &from, &left, &to, &room);
    out.append(buffer, sizeof buffer - room);
    if (rc != static_cast<std::size_t>(-1) || errno == E2BIG) continue;
    out += '?';
    ++from;
    --left;
  }
  ::g_mime_iconv_close(converter);
  return out;
}

std::string ContentType::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (iequals(key, name)) return value;
  }
  return {};
}

ContentType parse_content_type(std::string_view value) {
  ContentType out;
  if (trim(value).empty()) return out;
  start_gmime();
  std::unique_ptr<GMimeContentType, Unref> parsed(
      ::g_mime_content_type_parse(nullptr, std::string(value).c_str()));
  if (!parsed) return out;
  out.type = lower(text_of(::g_mime_content_type_get_media_type(parsed.get())));
  out.subtype = lower(text_of(::g_mime_content_type_get_media_subtype(parsed.get())));
  out.parameters = parameters_of(::g_mime_content_type_get_parameters(parsed.get()));
  // GMime reads "text/plain/stupid" as text/plain.
  auto word = trim(value.substr(0, value.find(';')));
  auto slash = word.find('/');
  if (slash != std::string_view::npos && word.find('/', slash + 1) != std::string_view::npos)
    out.subtype = lower(word.substr(slash + 1));
  return out;
}

std::pair<std::string, ContentType> parse_disposition(std::string_view value) {
  start_gmime();
  std::unique_ptr<GMimeContentDisposition, Unref> parsed(
      ::g_mime_content_disposition_parse(nullptr, std::string(value).c_str()));
  if (!parsed) return {};
  ContentType parameters;
  parameters.parameters = parameters_of(::g_mime_content_disposition_get_parameters(parsed.get()));
  return {lower(text_of(::g_mime_content_disposition_get_disposition(parsed.get()))), parameters};
}

void open_converters() {
  start_gmime();
  // The character sets that mail uses; others then count as unknown.
  static constexpr const char* kSets[] = {
      "ISO-8859-1",   "ISO-8859-2",   "ISO-8859-3",   "ISO-8859-4",   "ISO-8859-5",
      "ISO-8859-6",   "ISO-8859-7",   "ISO-8859-8",   "ISO-8859-9",   "ISO-8859-10",
      "ISO-8859-13",  "ISO-8859-14",  "ISO-8859-15",  "ISO-8859-16",  "WINDOWS-1250",
      "WINDOWS-1251", "WINDOWS-1252", "WINDOWS-1253", "WINDOWS-1254", "WINDOWS-1255",
      "WINDOWS-1256", "WINDOWS-1257", "WINDOWS-1258", "WINDOWS-874",  "KOI8-R",
      "KOI8-U",       "GB2312",       "GBK",          "GB18030",      "BIG5",
      "BIG5-HKSCS",   "ISO-2022-JP",  "EUC-JP",       "SHIFT_JIS",    "EUC-KR",
      "ISO-2022-KR",  "TIS-620",      "UTF-7",        "UTF-16",       "UTF-32",
      "MACINTOSH",    "IBM437",       "IBM850",       "IBM852",       "IBM866"};
  // glibc keeps the tables of a set in memory as long as a converter for it is open.
  struct Converters {
    ~Converters() {
      for (auto converter : all) ::iconv_close(converter);
    }
    std::vector<iconv_t> all;
  };
  static Converters open;
  if (!open.all.empty()) return;
  for (const char* set : kSets) {
    auto converter = ::g_mime_iconv_open("UTF-8", set);
    if (converter != reinterpret_cast<iconv_t>(-1)) open.all.push_back(converter);
  }
}

}  // namespace handoff::sieve
