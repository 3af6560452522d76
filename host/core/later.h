// Values of a tensor on a GPU, read without waiting: the copy is asked for now, in order with the device's
// work, and looked at later.
#ifndef SCUTE_LATER_H
#define SCUTE_LATER_H

#include "host/core/tensor.h"

SC_API_BEGIN

typedef struct ScLater ScLater;

// Begins to read what `t` holds now. Of a tensor in host memory it is there at once (and shared, not copied).
ScStatus sc_later_begin(ScLater **out, const ScTensor *t);
// The values, in a tensor on the CPU that belongs to the ScLater; waits for them the first time.
ScStatus sc_later_get(ScLater *, ScTensor **out);
void sc_later_free(ScLater *); // NULL is fine; gives the copy up, asked for or not

SC_API_END

#endif
