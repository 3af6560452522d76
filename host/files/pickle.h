// A restricted unpickler: it builds plain values and the descriptions of tensors that a state dict holds, and
// nothing else. It never calls anything a file names: what is outside the list in pickle_object.c is an inert
// object, and an instruction that no checkpoint needs is refused. It does not recurse, so no file can exhaust
// the stack.
#ifndef SCUTE_PICKLE_H
#define SCUTE_PICKLE_H

#include "host/core/status.h"
#include "host/files/pickled.h"

void sc_pickle_free(ScPickle *);

// Reads one pickle from the start of `bytes`; `*used` is where it ended. `file` is for messages. The values
// live as long as the ScPickle and the bytes. SC_EFORMAT when damaged or refused, SC_EMEM.
ScStatus sc_unpickle(ScPickle *, const char *file, const void *bytes, size_t size, size_t *used,
                     ScPickled **out);

#endif
