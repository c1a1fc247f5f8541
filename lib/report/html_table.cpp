#include "report/html_table.h"

namespace pgtrain {

Html table_head(const std::vector<Column>& columns) {
  Html cells;
  for (const Column& column : columns)
    cells += column.is_number
                 ? element("th", {{"scope", "col"}, {"class", "num"}}, text(column.name))
                 : element("th", {{"scope", "col"}}, text(column.name));
  return element("thead", {}, element("tr", {}, cells));
}

Html table(const std::vector<Column>& columns, const Html& rows) {
  return element("div", {{"class", "wide"}, {"tabindex", "0"}},
                 element("table", {}, {table_head(columns), element("tbody", {}, rows)}));
}

Html row_header(const std::string& name) {
  return element("th", {{"scope", "row"}, {"dir", "auto"}}, text(name));
}

Html number_cell(const std::string& value) {
  return element("td", {{"class", "num"}}, text(value));
}

}  // namespace pgtrain
