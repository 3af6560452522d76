// Who says how a line may go on.
#ifndef SCUTE_COMPLETER_H
#define SCUTE_COMPLETER_H

#include <stddef.h>

// What completion proposes for the text before the cursor. Both strings belong to the completer until its next
// call.
typedef struct {
   int remove;          // letters before the cursor that go first
   const char *insert;  // to be inserted at the cursor; "" if nothing is certain
   const char *choices; // to be shown below the line, NULL if there is nothing to choose
} ScCompletion;

typedef ScCompletion (*ScCompleter)(void *context, const char *before, size_t length, int columns);

#endif
