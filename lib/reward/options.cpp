#include "config/section.h"
#include "reward/reward.h"

namespace pgtrain {

void describe(Section& s, RewardPartOptions& o) {
  s.choice("metric", o.metric, reward_metric_names(), "how a completion is compared with a target");
  s.field("weight", o.weight, "factor of this part in the reward; negative = penalty",
          between(-1e6, 1e6));
}

}  // namespace pgtrain
