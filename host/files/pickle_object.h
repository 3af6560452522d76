// What the globals of a pickle stand for here, and what a call of one gives. Nothing that a file names is ever
// called.
#ifndef SCUTE_PICKLE_OBJECT_H
#define SCUTE_PICKLE_OBJECT_H

#include "host/files/unpickler.h"

// Text of a file as a message may show it: printable, and cut to `size`.
void sc_pickle_printable(char *to, size_t size, const char *text, size_t length);
// Pushes a global. One that is not known is inert, and is noted in the pickle's list of others.
ScStatus sc_pickle_global(ScUnpickler *, const char *module, size_t nmodule, const char *name, size_t nname);
// Pushes what a call of `callee` gives: a dict or a tensor, or, where it is not known, an inert object.
ScStatus sc_pickle_call(ScUnpickler *, const ScPickled *callee, const ScPickled *arguments);

#endif
