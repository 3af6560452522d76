// What a checkpoint of torch.save says about its network beside the weights.
#ifndef SCUTE_PTH_FACTS_H
#define SCUTE_PTH_FACTS_H

#include "host/files/pickled.h"
#include "host/files/state.h"

// Adds metadata: "architecture" and, as a JSON list, "classes", where the outermost dict says them in one of
// the usual ways. What is said in no such way is left out.
ScStatus sc_pth_facts(const ScPickled *root, ScState *out);

#endif
