// The filters of Jinja: `value | name(arguments)`. Supported:
//   abs capitalize count d default dictsort e escape first float indent int items join last length
//   list lower map max min reject rejectattr replace reverse round safe select selectattr sort
//   string sum tojson trim unique upper
// tojson is that of transformers (json.dumps without HTML escapes). A text marked safe prints as it
// is; what Jinja would do else with one (escape what is joined to it) is not supported and throws.
#pragma once

#include <string>

#include "text/jinja_call.h"

namespace pgtrain::jinja {

bool is_filter(const std::string& name);

// Throws Fault for wrong values and arguments and an unknown name.
Value run_filter(const std::string& name, const Value& value, const Call& call, Budget& budget);

}  // namespace pgtrain::jinja
