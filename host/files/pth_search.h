// Where in a file of torch.save the weights of a network are, and what else the file tells.
#ifndef SCUTE_PTH_SEARCH_H
#define SCUTE_PTH_SEARCH_H

#include <stdbool.h>

#include "host/files/pth_container.h"
#include "host/files/state.h"

// The state dict of a file: the whole, or under a usual name ("state_dict", "model", "ema", ...), also of a
// dict that is under such a name. Of several the plainest is taken, not a running average. It has names for
// keys; what of its values is no weight is to be left out. `out` gets notes about what was taken and what was
// not, and as metadata the architecture, where the file says it. SC_EFORMAT where there is none.
ScStatus sc_pth_find(const ScPth *, const ScPickled **dict, ScState *out);
// Whether a value is a tensor with numbers in it: empty ones, as observers of ranges keep, are of no network
// here.
bool sc_pth_is_weight(const ScPickled *value);

#endif
