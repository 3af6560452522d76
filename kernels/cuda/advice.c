#include "kernels/cuda/advice.h"

#include <stdbool.h>

#define RESTART                                                                                                \
   "the GPU cannot be used by this program any more: start it anew (train with --resume to go on from the "    \
   "last checkpoint)"

const ScAdvice *sc_advice_find(const ScAdvice *table, size_t n, int status) {
   static const ScAdvice none = {0, 0, "report it"};
   for (size_t i = 0; i < n; i++)
      if (table[i].status == status) return &table[i];
   return &none;
}

// Of memory it is always told in the same words, whatever the library.
ScStatus sc_advice_tell(const ScAdvice *advice, const char *what, const char *library, const char *text,
                        const char *name) {
   bool again = advice->kind & (SC_ADVICE_MEMORY | SC_ADVICE_START | SC_ADVICE_SHAPE);
   ScStatus code = again ? SC_EMEM : SC_EDEVICE;
   if (advice->kind & SC_ADVICE_MEMORY) text = "out of memory";
   if (advice->kind & SC_ADVICE_STICKY)
      return sc_fail(code, "%s: %s: %s (%s), in this op or one before it; %s; %s", what, library, text, name,
                     RESTART, advice->advice);
   return sc_fail(code, "%s: %s: %s (%s); %s", what, library, text, name, advice->advice);
}
