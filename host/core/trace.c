#include "host/core/trace.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/core/clock.h"
#include "host/core/trace_file.h"

enum { MOST_THREADS = 512, LONGEST_EVENT = 1024, ENOUGH = 1 << 16 };
static const double NOW_AND_THEN = 2; // seconds

// A thread's place in the trace: free again when the thread has ended.
typedef struct {
   const char *name;
   int number; // among those of this name
   bool taken;
   int told; // of which trace
} Lane;

typedef struct {
   ScTraceFile *file;      // NULL: not known yet
   ScStatus status;        // of the file
   char *message;          // what was wrong with it
   char *text;             // that is not in the file yet
   size_t used, room;      // bytes of it
   long seen, kept;        // events, and those in the text or the file
   long written;           // and those in the file
   double start, saved_at; // times
} Trace;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool tracing;
static int traces; // how many there were
static Trace trace;
static Lane lanes[MOST_THREADS] = {{.name = "main", .taken = true}}; // number 0: the main one
static _Thread_local int lane;                                       // of this thread

bool sc_tracing(void) {
   return atomic_load_explicit(&tracing, memory_order_relaxed);
}

// ---- threads ----

void sc_trace_enter_thread(const char *name) {
   int number = 1, at = 1;
   pthread_mutex_lock(&lock);
   for (; at < MOST_THREADS && (lanes[at].taken || (lanes[at].name && lanes[at].name != name)); at++)
      if (lanes[at].name == name) number++;
   if (at < MOST_THREADS) lanes[at] = (Lane){name, number, true, lanes[at].told};
   lane = at < MOST_THREADS ? at : 0;
   pthread_mutex_unlock(&lock);
}

void sc_trace_leave_thread(void) {
   pthread_mutex_lock(&lock);
   if (lane > 0) lanes[lane].taken = false;
   lane = 0;
   pthread_mutex_unlock(&lock);
}

// ---- text ----

const char *sc_trace_quote(char *to, int size, const char *text) {
   int at = 0;
   to[at++] = '"';
   for (; *text && at < size - 4; text++) {
      if (*text == '"' || *text == '\\') to[at++] = '\\';
      to[at++] = *text >= ' ' && *text < 127 ? *text : '?';
   }
   to[at++] = '"';
   to[at] = '\0';
   return to;
}

static void append(const char *event, size_t bytes) {
   if (trace.used + bytes > trace.room) {
      size_t room = 2 * trace.room + bytes + ENOUGH;
      char *text = realloc(trace.text, room);
      if (!text) return;
      trace.text = text;
      trace.room = room;
   }
   memcpy(trace.text + trace.used, event, bytes);
   trace.used += bytes;
}

static void name_thread(void) {
   char event[160], number[16] = "";
   Lane *l = &lanes[lane];
   if (l->told == traces) return;
   l->told = traces;
   if (l->number) snprintf(number, sizeof number, " %d", l->number);
   int n =
       snprintf(event, sizeof event,
                ",\n{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":1,\"tid\":%d,\"args\":{\"name\":\"%s%s\"}}",
                lane + 1, l->name, number);
   append(event, (size_t)n);
}

// What was wrong is told at the end, and nothing is tried again.
static void save(void) {
   if (trace.status == SC_OK) trace.status = sc_trace_file_append(trace.file, trace.text, trace.used);
   if (trace.status == SC_OK) trace.written = trace.kept;
   if (trace.status != SC_OK && !trace.message) trace.message = strdup(sc_error());
   trace.used = 0;
   trace.saved_at = sc_seconds();
}

static void keep(const char *event, size_t bytes) {
   trace.seen++;
   if (trace.kept == SC_TRACE_MOST || trace.status != SC_OK) return;
   name_thread();
   append(event, bytes);
   trace.kept++;
   bool is_due = trace.used >= ENOUGH || sc_seconds() - trace.saved_at > NOW_AND_THEN;
   if (trace.file && is_due) save();
}

void sc_trace_add(const char *name, const char *more, double start, double seconds, const char *arguments) {
   char event[LONGEST_EVENT], quoted[200], whole[160];
   if (!sc_tracing()) return;
   snprintf(whole, sizeof whole, "%s%s", name, more);
   int n = snprintf(event, sizeof event,
                    ",\n{\"ph\":\"X\",\"name\":%s,\"pid\":1,\"tid\":%d,\"ts\":%.3f,\"dur\":%.3f%s%.600s%s}",
                    sc_trace_quote(quoted, sizeof quoted, whole), lane + 1, 1e6 * (start - trace.start),
                    1e6 * seconds, arguments ? ",\"args\":{" : "", arguments ? arguments : "",
                    arguments ? "}" : "");
   pthread_mutex_lock(&lock);
   if (sc_tracing() && start >= trace.start) keep(event, (size_t)n);
   pthread_mutex_unlock(&lock);
}

// ---- beginning and ending ----

ScStatus sc_trace_begin(void) {
   if (sc_tracing()) return sc_fail(SC_EARG, "a trace is being written already");
   lane = 0; // the thread that takes it is the main one
   double now = sc_seconds();
   trace = (Trace){.start = now, .saved_at = now};
   traces++;
   atomic_store(&tracing, true);
   return SC_OK;
}

ScStatus sc_trace_place(const char *path) {
   static const char head[] =
       "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n"
       "{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":1,\"args\":{\"name\":\"scute\"}}";
   if (!sc_tracing() || trace.file) return sc_fail(SC_EARG, "there is no trace without a place");
   ScTraceFile *file;
   SC_TRY(sc_trace_file_open(&file, path, head));
   pthread_mutex_lock(&lock);
   trace.file = file;
   save();
   pthread_mutex_unlock(&lock);
   return trace.status == SC_OK ? SC_OK
                                : sc_fail(trace.status, "%s", trace.message ? trace.message : "out of memory");
}

ScStatus sc_trace_end(long *seen, long *written) {
   pthread_mutex_lock(&lock);
   atomic_store(&tracing, false);
   if (trace.file) save();
   Trace ended = trace;
   trace = (Trace){0};
   pthread_mutex_unlock(&lock);
   *seen = ended.seen;
   *written = ended.written;
   ScStatus status = ended.status;
   if (status != SC_OK) sc_keep_message("%s", ended.message ? ended.message : "out of memory");
   if (ended.file && status == SC_OK)
      status = sc_trace_file_close(ended.file);
   else if (ended.file)
      sc_trace_file_close(ended.file);
   free(ended.text);
   free(ended.message);
   return status;
}
