// A trace: what the program did when, as JSON that chrome://tracing and Perfetto open. One at a time.
//
// The first SC_TRACE_MOST events are kept, in memory until the file is known. From then on the file is whole
// JSON after every write, however the program ends; what a full disk does not take is left out.
#ifndef SCUTE_TRACE_H
#define SCUTE_TRACE_H

#include <stdbool.h>

#include "host/core/status.h"

SC_API_BEGIN

enum { SC_TRACE_MOST = 100000 };

ScStatus sc_trace_begin(void); // fails where there is one
bool sc_tracing(void);
// Where it is written: made anew, or SC_EIO before anything is lost. Once for each trace.
ScStatus sc_trace_place(const char *path);
// How many events there were, and how many of them are in the file. Ends the trace, also where it fails:
// SC_EIO where the disk did not take all.
ScStatus sc_trace_end(long *seen, long *written);

// An event of this thread. name and more are put together ("conv2d", " backward"); arguments: NULL, or members
// of a JSON object. Costs nothing where there is no trace.
void sc_trace_add(const char *name, const char *more, double start, double seconds, const char *arguments);
// `text` as a JSON string, cut to what `size` bytes hold; returns `to`.
const char *sc_trace_quote(char *to, int size, const char *text);

// The name of this thread from now on, with a number where several have it; the main one has its own.
void sc_trace_enter_thread(const char *name);
void sc_trace_leave_thread(void);

SC_API_END

#endif
