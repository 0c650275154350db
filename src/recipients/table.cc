#include "recipients/table.hh"

#include "base/text.hh"
#include "recipients/table_map.hh"
#include "sys/memory.hh"

namespace handoff::recipients {

#ifdef HAVE_CDB
namespace {

class CdbTable final : public Table {
 public:
  Status open(const sys::Fd& image) {
    if (auto opened = map_.open(image); !opened) return opened;
    auto summary = map_.find(kTableSummary);
    if (!summary) return Error{EINVAL, "the table was not written", {}};
    auto blank = summary->find(' ');
    size_ = parse_number(summary->substr(0, blank)).value_or(0);
    knows_owners_ = summary->ends_with('1') && blank + 2 == summary->size();
    return {};
  }

  std::optional<std::string_view> find(std::string_view key) const override {
    auto value = map_.find(key);
    if (!value || key == kTableSummary) return std::nullopt;
    return value->substr(value->find(' ') + 1);
  }
  std::size_t size() const override { return size_; }
  bool knows_owners() const override { return knows_owners_; }

 private:
  TableMap map_;
  std::size_t size_ = 0;
  bool knows_owners_ = false;
};

}  // namespace

Result<std::shared_ptr<const Table>> Table::open(const sys::Fd& image, const std::string& path) {
  auto table = std::make_shared<CdbTable>();
  if (auto opened = table->open(image); !opened)
    return Error{opened.error().code, opened.error().what, path};
  return std::shared_ptr<const Table>(std::move(table));
}

#else

Result<std::shared_ptr<const Table>> Table::open(const sys::Fd&, const std::string& path) {
  return Error{ENOTSUP, "this handoffd was built without tinycdb", path};
}

#endif

Result<TableImages> blank_images(const std::vector<std::string>& lookups) {
  constexpr std::string_view kKind = "file:";
  TableImages images;
  for (const auto& lookup : lookups) {
    if (!lookup.starts_with(kKind)) continue;
    auto image = sys::anonymous_file();
    if (!image) return image.error();
    images[lookup.substr(kKind.size())] = std::move(image).value();
  }
  return images;
}

Status fill_images(const TableImages& images, const TableFold& fold) {
  for (const auto& [path, image] : images) {
    if (auto written = write_table(path, fold, image); !written) return written;
  }
  return {};
}

Result<Tables> open_tables(const TableImages& images) {
  Tables tables;
  for (const auto& [path, image] : images) {
    auto table = Table::open(image, path);
    if (!table) return table.error();
    tables[path] = std::move(table).value();
  }
  return tables;
}

Result<Tables> load_tables(const std::vector<std::string>& lookups, const TableFold& fold) {
  auto images = blank_images(lookups);
  if (!images) return images.error();
  if (auto filled = fill_images(images.value(), fold); !filled) return filled.error();
  return open_tables(images.value());
}

}  // namespace handoff::recipients
