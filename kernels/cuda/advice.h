// How a failure of CUDA or its libraries is told: what happened, and a word on what to do.
#ifndef SCUTE_CUDA_ADVICE_H
#define SCUTE_CUDA_ADVICE_H

#include <stddef.h>

#include "host/core/status.h"

enum {
   SC_ADVICE_MEMORY = 1,
   SC_ADVICE_STICKY = 2, // the GPU cannot be used any more by this program
   SC_ADVICE_START = 4,  // what a library says where memory is too short for it to start, among other things
   SC_ADVICE_SHAPE = 8,  // more than a kernel can do at once: fewer photos are worth a try
};

typedef struct {
   int status;
   unsigned kind;
   const char *advice;
} ScAdvice;

#define SC_ADVICE_REPORT "run once with CUDA_LAUNCH_BLOCKING=1, which names the op that failed, and report it"

// The table's entry for a status; one that asks to report it, with status 0, where there is none.
const ScAdvice *sc_advice_find(const ScAdvice *table, size_t n, int status);
#define SC_ADVICE_OF(table, status) sc_advice_find(table, sizeof table / sizeof table[0], (int)(status))

// Keeps the message "WHAT: LIBRARY: TEXT (NAME); ADVICE". What less memory or a smaller
// batch may mend is SC_EMEM; all else is SC_EDEVICE.
ScStatus sc_advice_tell(const ScAdvice *, const char *what, const char *library, const char *text,
                        const char *name);

#endif
