// What the header of a safetensors file may ask for, counted before it is parsed: a parser takes some forty
// times the memory of a text made for that.
#ifndef SCUTE_HEADER_LIMITS_H
#define SCUTE_HEADER_LIMITS_H

#include <stddef.h>

#include "host/core/status.h"

// SC_EFORMAT where the text is nested deeper than a header is, has more than SC_MAXENTRIES entries, or one with
// a name of more than SC_MAXNAME bytes (host/files/state.h), or more values than so many entries ever have.
// Other faults of the text are left to the parser.
ScStatus sc_check_header_limits(const char *path, const char *text, size_t length);

#endif
