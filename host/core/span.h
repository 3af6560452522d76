// What the program is doing: spans of time, one within another, in each thread. While a profile is taken they
// are added up by name, each without what lies within it, so that all of them and the time outside make up the
// whole; and a trace (host/core/trace.h) shows them.
#ifndef SCUTE_SPAN_H
#define SCUTE_SPAN_H

#include <stdbool.h>

#include "host/core/api.h"

SC_API_BEGIN

enum { SC_SPAN_ROWS = 256 };

typedef struct {
   const char *name; // until the next first profile
   bool beside;      // of other threads than the one that takes the profile
   bool is_range;    // that a script named
   long count;
   double seconds; // without those within
} ScSpanRow;

// Profiles may lie within each other: what was counted stays while one is taken, and the first begins anew.
// A thread that takes one is the main one.
void sc_profiling_begin(void);
void sc_profiling_end(void);
bool sc_profiling(void);
int sc_profilings(void); // how many were begun at zero, to tell them apart

// A span from here on; 0 where nobody takes a profile. name: any text, of which a copy is made.
int sc_span_begin(const char *name);
int sc_span_begin_range(const char *name); // where there are too many names: of "other ranges"
void sc_span_end(int span); // and those within it that were left open; 0 and what has ended already are fine
// Time within the innermost span that is counted elsewhere.
void sc_span_covers(double seconds);

int sc_span_rows(ScSpanRow out[SC_SPAN_ROWS]); // how many there are

SC_API_END

#endif
