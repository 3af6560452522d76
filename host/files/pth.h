// Reader of the two file formats of torch.save, without Python: zip (PyTorch 1.6 and later) and legacy. It
// takes a state dict, or a dict that holds one under a usual name (see pth_search.h). Nothing in the file is
// executed.
#ifndef SCUTE_PTH_H
#define SCUTE_PTH_H

#include "host/files/source.h"
#include "host/files/state.h"

// Entries in the order of the state dict; strided storages and parts of shared ones become values of their own,
// entries that are the same part of the same one share it. `out` must be empty and stays so on failure: SC_EIO,
// SC_EFORMAT (truncated, damaged, refused), SC_EMEM. Takes at most three times the file in memory, and some 100
// MB beside it.
ScStatus sc_pth_read(const ScSource *, ScDevice *, ScState *out);

#endif
