// jansson takes what it has no memory for as a fault of the text. This tells them apart.
#ifndef SCUTE_JSON_MEMORY_H
#define SCUTE_JSON_MEMORY_H

#include <stdbool.h>

// Forgets what happened before in this thread. To be called before jansson is.
void sc_json_watch(void);
// Whether jansson has been short of memory in this thread since.
bool sc_json_starved(void);

#endif
