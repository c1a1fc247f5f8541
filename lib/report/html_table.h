// Tables of the report.
#pragma once

#include <string>
#include <vector>

#include "report/html.h"

namespace pgtrain {

struct Column {
  std::string name;
  bool is_number = false;  // numbers stand right
};

// <thead> with one row of column headers.
Html table_head(const std::vector<Column>& columns);

// A table that scrolls by itself when it is wider than the page. rows: <tr> elements.
Html table(const std::vector<Column>& columns, const Html& rows);

Html row_header(const std::string& name);
Html number_cell(const std::string& value);

}  // namespace pgtrain
