// A file of JSON that grows and is whole after every write.
#ifndef SCUTE_TRACE_FILE_H
#define SCUTE_TRACE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "host/core/status.h"

typedef struct ScTraceFile ScTraceFile;

// A new file that has `head` and the end of the list that it begins.
ScStatus sc_trace_file_open(ScTraceFile **out, const char *path, const char *head);
// Puts text before that end. What does not fit on the disk is left out, and what was there stays.
ScStatus sc_trace_file_append(ScTraceFile *, const char *text, size_t bytes);
ScStatus sc_trace_file_close(ScTraceFile *); // frees it; SC_EIO also where it is not at its path any more

#endif
