#include "text/jinja_filters.h"

#include "text/jinja_filter_context.h"

namespace pgtrain::jinja {
namespace {

const Filters& filters() {
  static const Filters table = [] {
    Filters all = text_filters();
    all.merge(sequence_filters());
    return all;
  }();
  return table;
}

}  // namespace

std::string FilterContext::text() const {
  if (value.is_markup())
    throw Fault(fmt::format("{} of a text marked safe is not supported", what()));
  return print(value, budget);
}

bool is_filter(const std::string& name) { return filters().count(name) != 0; }

Value run_filter(const std::string& name, const Value& value, const Call& call, Budget& budget) {
  const auto found = filters().find(name);
  if (found == filters().end())
    throw Fault(fmt::format("the filter \"{}\" is not supported", name));
  budget.step();
  return found->second({name, value, call, budget});
}

}  // namespace pgtrain::jinja
