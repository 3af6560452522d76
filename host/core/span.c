#include "host/core/span.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/clock.h"
#include "host/core/trace.h"

enum {
   DEEPEST = 64,
   PLACES = 128,
   LONGEST = 160, // name in a trace
   OWN = 64       // rows that are kept for spans of scute's own, whatever a script calls its ranges
};
static const char OTHERS[] = "other ranges";

typedef struct {
   int row;
   double start, within;
} Span;

// Of a thread; `era`: of the profiles that its spans were begun in.
typedef struct {
   bool is_main;
   int era, depth;
   Span spans[DEEPEST];
} Stack;

static ScSpanRow rows[SC_SPAN_ROWS];
static int nrows;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // of the rows
static atomic_int profiles, era;
static _Thread_local Stack stack;

bool sc_profiling(void) {
   return atomic_load_explicit(&profiles, memory_order_relaxed) > 0;
}

int sc_profilings(void) {
   return era;
}

static void begin_anew(void) {
   pthread_mutex_lock(&lock);
   for (int i = 0; i < nrows; i++) free((char *)rows[i].name);
   nrows = 0;
   era++;
   pthread_mutex_unlock(&lock);
}

void sc_profiling_begin(void) {
   stack.is_main = true;
   if (profiles == 0) begin_anew();
   profiles++;
}

void sc_profiling_end(void) {
   if (profiles > 0) profiles--;
}

static int row_of(const char *name, bool beside, bool is_range) {
   for (int i = 0; i < nrows; i++)
      if (rows[i].beside == beside && rows[i].is_range == is_range && strcmp(rows[i].name, name) == 0) return i;
   return -1;
}

// -1: there is no room.
static int add_row(const char *name, bool beside, bool is_range) {
   char *copy = nrows < SC_SPAN_ROWS ? strdup(name) : NULL;
   if (!copy) return -1;
   rows[nrows] = (ScSpanRow){.name = copy, .beside = beside, .is_range = is_range};
   return nrows++;
}

// Ranges that come too late for a row of their own share one.
static int find_row(const char *name, bool beside, bool is_range) {
   int row = row_of(name, beside, is_range);
   if (row < 0 && is_range && nrows >= SC_SPAN_ROWS - OWN) row = row_of(name = OTHERS, beside, is_range);
   return row >= 0 ? row : add_row(name, beside, is_range);
}

static int begin(const char *name, bool is_range) {
   if (!sc_profiling() || (stack.era == era && stack.depth == DEEPEST)) return 0;
   pthread_mutex_lock(&lock);
   if (stack.era != era) stack.era = era, stack.depth = 0;
   int row = find_row(name, !stack.is_main, is_range);
   pthread_mutex_unlock(&lock);
   if (row < 0) return 0;
   stack.spans[stack.depth++] = (Span){.row = row, .start = sc_seconds()};
   return stack.era * PLACES + stack.depth;
}

int sc_span_begin(const char *name) {
   return begin(name, false);
}

int sc_span_begin_range(const char *name) {
   return begin(name, true);
}

// Rows of a profile that another thread has ended and begun anew are not those that the span knew.
static void close_innermost(double now) {
   Span *span = &stack.spans[--stack.depth];
   double seconds = now - span->start;
   char name[LONGEST] = "";
   pthread_mutex_lock(&lock);
   bool counts = stack.era == era;
   if (counts) {
      rows[span->row].count++;
      rows[span->row].seconds += seconds - span->within;
      snprintf(name, sizeof name, "%s", rows[span->row].name);
   }
   pthread_mutex_unlock(&lock);
   if (!counts) return;
   sc_span_covers(seconds);
   sc_trace_add(name, "", span->start, seconds, NULL);
}

void sc_span_end(int span) {
   if (span == 0 || span / PLACES != stack.era || stack.era != era || !sc_profiling()) return;
   double now = sc_seconds();
   while (stack.depth >= span % PLACES) close_innermost(now);
}

void sc_span_covers(double seconds) {
   if (stack.depth > 0 && stack.era == era) stack.spans[stack.depth - 1].within += seconds;
}

int sc_span_rows(ScSpanRow out[SC_SPAN_ROWS]) {
   pthread_mutex_lock(&lock);
   int n = nrows;
   memcpy(out, rows, (size_t)n * sizeof *rows);
   pthread_mutex_unlock(&lock);
   return n;
}
