#include "recipients/table.hh"

#include <algorithm>

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
    image_ = sys::duplicate(image);
    auto summary = map_.find(kTableSummary);
    if (!summary) return explained(EINVAL, "the table was not written");
    auto blank = summary->find(' ');
    size_ = parse_number(summary->substr(0, blank)).value_or(0);
    auto flags = summary->substr(std::min(blank + 1, summary->size()));
    knows_owners_ = flags.starts_with('1');
    has_hosts_ = flags.size() > 1 && flags[1] == '1';
    return {};
  }

  std::optional<std::string_view> find(std::string_view key) const override {
    auto value = map_.find(key);
    if (!value || key == kTableSummary) return std::nullopt;
    return value->substr(value->find(' ') + 1);
  }
  std::size_t size() const override { return size_; }
  bool knows_owners() const override { return knows_owners_; }
  bool has_hosts() const override { return has_hosts_; }
  const sys::Fd& image() const override { return image_; }

 private:
  TableMap map_;
  sys::Fd image_;
  std::size_t size_ = 0;
  bool knows_owners_ = false;
  bool has_hosts_ = false;
};

}  // namespace

Result<std::shared_ptr<const Table>> Table::open(const sys::Fd& image, const std::string& path) {
  auto table = std::make_shared<CdbTable>();
  if (auto opened = table->open(image); !opened) {
    auto error = opened.error();
    error.path = path;
    return error;
  }
  return std::shared_ptr<const Table>(std::move(table));
}

#else

Result<std::shared_ptr<const Table>> Table::open(const sys::Fd&, const std::string& path) {
  return explained(ENOTSUP, "this handoffd was built without tinycdb", path);
}

#endif

Result<TableImages> blank_images(const std::vector<LookupSetting>& lookups) {
  TableImages images;
  for (const auto& lookup : lookups) {
    if (!lookup.kind.table) continue;
    auto image = sys::anonymous_file();
    if (!image) return image.error();
    images[lookup.argument] = {lookup, std::move(image).value()};
  }
  return images;
}

Status fill_images(const TableImages& images, const TableFold& fold) {
  for (const auto& [path, image] : images) {
    auto written = write_table(path, fold, image.file);
    if (!written) return image.setting.locate(written.error());
  }
  return {};
}

Result<Tables> open_tables(const TableImages& images) {
  Tables tables;
  for (const auto& [path, image] : images) {
    auto table = Table::open(image.file, path);
    if (!table) return image.setting.locate(table.error());
    tables[path] = std::move(table).value();
  }
  return tables;
}

bool name_hosts(const Tables& tables) {
  return std::ranges::any_of(tables, [](const auto& each) { return each.second->has_hosts(); });
}

Result<Tables> load_tables(const std::vector<LookupSetting>& lookups, const TableFold& fold) {
  auto images = blank_images(lookups);
  if (!images) return images.error();
  if (auto filled = fill_images(images.value(), fold); !filled) return filled.error();
  return open_tables(images.value());
}

}  // namespace handoff::recipients
