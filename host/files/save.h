// A sealed safetensors file that is written and read back by a thread of its own, while the caller goes on.
#ifndef SCUTE_SAVE_H
#define SCUTE_SAVE_H

#include <stdbool.h>

#include "host/files/state.h"

typedef struct ScSave ScSave;

// Begins to write what the tensors of `state` hold now, under the name `path` (see
// sc_safetensors_write_sealed). Tensors in host memory are shared, and copied only if they are written
// meanwhile; those of other devices are copied before this returns. `state` stays the caller's. SC_EMEM,
// SC_EDEVICE; what goes wrong later is told by sc_save_end.
ScStatus sc_save_begin(ScSave **out, const char *path, const ScState *state);
// Whether it has come to its end.
bool sc_save_done(ScSave *);
// Waits for the end and frees the handle. SC_EFORMAT where what was written did not read back, SC_EIO where it
// could not be written; then what was there before is still there. `seconds`, unless NULL, is the processor
// time that the thread took.
ScStatus sc_save_end(ScSave *, double *seconds);

#endif
