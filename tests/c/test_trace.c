// Traces (host/core/trace.h) and the time of spans (host/core/span.h): what is in the file at any moment is
// JSON.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "host/core/clock.h"
#include "host/core/span.h"
#include "host/core/trace.h"
#include "host/core/trace_file.h"

static char path[] = "/tmp/scute-trace-XXXXXX";

static int make_path(void **state) {
   (void)state;
   strcpy(path + strlen(path) - 6, "XXXXXX");
   int fd = mkstemp(path);
   return fd < 0 || close(fd);
}

static int remove_path(void **state) {
   (void)state;
   return unlink(path);
}

static size_t events_in_file(void) {
   json_error_t error;
   json_t *whole = json_load_file(path, 0, &error);
   if (!whole) fail_msg("%s: %s", path, error.text);
   size_t n = json_array_size(json_object_get(whole, "traceEvents"));
   json_decref(whole);
   return n;
}

static void add(int n) {
   for (int i = 0; i < n; i++) sc_trace_add("an op", "", sc_seconds(), 1e-6, NULL);
}

static void test_file_is_whole_all_the_time(void **state) {
   (void)state;
   long seen, written;
   assert_int_equal(sc_trace_begin(), SC_OK);
   add(10); // before the file is known
   assert_int_equal(sc_trace_place(path), SC_OK);
   size_t before = events_in_file();
   assert_int_equal(before, 2 + 10); // names of the process and of the thread
   for (int i = 0; i < 20; i++) {
      add(100);
      assert_true(events_in_file() >= before);
   }
   assert_true(events_in_file() > before);
   assert_int_equal(sc_trace_end(&seen, &written), SC_OK);
   assert_int_equal(seen, 2010);
   assert_int_equal(written, 2010);
   assert_int_equal(events_in_file(), 2 + 2010);
}

static void test_full_disk(void **state) {
   (void)state;
   long seen, written;
   struct rlimit before, tight = {20000, RLIM_INFINITY};
   getrlimit(RLIMIT_FSIZE, &before);
   tight.rlim_max = before.rlim_max;
   signal(SIGXFSZ, SIG_IGN);
   assert_int_equal(sc_trace_begin(), SC_OK);
   assert_int_equal(sc_trace_place(path), SC_OK);
   setrlimit(RLIMIT_FSIZE, &tight);
   add(5000);
   ScStatus status = sc_trace_end(&seen, &written);
   setrlimit(RLIMIT_FSIZE, &before);
   assert_int_equal(status, SC_EIO);
   assert_non_null(strstr(sc_error(), path));
   assert_int_equal(seen, 5000);
   assert_true(written < seen);
   assert_int_equal(events_in_file(), written + (written > 0) + 1);
}

// What does not fit any more takes nothing from what was there.
static void test_append_that_fails(void **state) {
   (void)state;
   ScTraceFile *file;
   struct rlimit before, tight;
   getrlimit(RLIMIT_FSIZE, &before);
   tight = before;
   tight.rlim_cur = 100;
   signal(SIGXFSZ, SIG_IGN);
   char many[200];
   memset(many, ' ', sizeof many);
   assert_int_equal(sc_trace_file_open(&file, path, "{\"traceEvents\":[1"), SC_OK);
   assert_int_equal(sc_trace_file_append(file, ",2", 2), SC_OK);
   setrlimit(RLIMIT_FSIZE, &tight);
   assert_int_equal(sc_trace_file_append(file, many, sizeof many), SC_EIO);
   setrlimit(RLIMIT_FSIZE, &before);
   assert_int_equal(events_in_file(), 2);
   assert_int_equal(sc_trace_file_append(file, ",3", 2), SC_OK);
   assert_int_equal(sc_trace_file_close(file), SC_OK);
   assert_int_equal(events_in_file(), 3);
}

// Somebody who moved or removed it looks for it in vain where it is said to be.
static void test_file_that_is_gone(void **state) {
   (void)state;
   ScTraceFile *file;
   char moved[sizeof path + 2];
   snprintf(moved, sizeof moved, "%s.1", path);
   assert_int_equal(sc_trace_file_open(&file, path, "{\"traceEvents\":[1"), SC_OK);
   assert_int_equal(rename(path, moved), 0);
   assert_int_equal(sc_trace_file_close(file), SC_EIO);
   assert_non_null(strstr(sc_error(), path));
   assert_int_equal(sc_trace_file_open(&file, path, "{\"traceEvents\":[1"), SC_OK);
   assert_int_equal(rename(moved, path), 0);
   assert_int_equal(sc_trace_file_close(file), SC_EIO);
   char folder[100];
   assert_non_null(getcwd(folder, sizeof folder));
   assert_int_equal(chdir("/tmp"), 0);
   assert_int_equal(sc_trace_file_open(&file, path + strlen("/tmp/"), "{\"traceEvents\":[1"), SC_OK);
   assert_int_equal(chdir(folder), 0);
   assert_int_equal(sc_trace_file_close(file), SC_OK);
}

static void *decode(void *unused) {
   (void)unused;
   sc_trace_enter_thread("decoding");
   sc_span_end(sc_span_begin("a photo"));
   sc_trace_leave_thread();
   return NULL;
}

static const ScSpanRow *find(const ScSpanRow *rows, int n, const char *name, bool beside) {
   for (int i = 0; i < n; i++)
      if (strcmp(rows[i].name, name) == 0 && rows[i].beside == beside) return &rows[i];
   fail_msg("no span '%s'", name);
   return NULL;
}

static void test_threads(void **state) {
   (void)state;
   long seen, written;
   ScSpanRow rows[SC_SPAN_ROWS];
   pthread_t threads[2];
   sc_profiling_begin();
   assert_int_equal(sc_trace_begin(), SC_OK);
   for (int round = 0; round < 3; round++) {
      for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, decode, NULL), 0);
      for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
   }
   assert_int_equal(sc_trace_place(path), SC_OK);
   assert_int_equal(sc_trace_end(&seen, &written), SC_OK);
   assert_int_equal(written, 6);
   assert_true(events_in_file() <= 1 + 2 + 6); // threads that come later are called as those that have ended
   int n = sc_span_rows(rows);
   assert_int_equal(find(rows, n, "a photo", true)->count, 6);
   sc_profiling_end();
}

// A span that is left open ends with the one around it; ends that come too late or twice do nothing.
static void test_spans(void **state) {
   (void)state;
   ScSpanRow rows[SC_SPAN_ROWS];
   assert_int_equal(sc_span_begin("nobody takes a profile"), 0);
   sc_profiling_begin();
   double start = sc_seconds();
   int outer = sc_span_begin("outer"), inner = sc_span_begin("inner");
   sc_span_covers(1000);
   sc_span_end(outer);
   double seconds = sc_seconds() - start;
   sc_span_end(inner);
   sc_span_end(outer);
   int n = sc_span_rows(rows);
   assert_int_equal(find(rows, n, "outer", false)->count, 1);
   assert_int_equal(find(rows, n, "inner", false)->count, 1);
   assert_true(find(rows, n, "inner", false)->seconds < -999);
   assert_true(find(rows, n, "outer", false)->seconds >= 0);
   assert_true(find(rows, n, "outer", false)->seconds <= seconds);
   int late = sc_span_begin("late");
   sc_profiling_end();
   sc_profiling_begin();
   sc_span_end(late);
   assert_int_equal(sc_span_rows(rows), 0);
   sc_profiling_end();
}

static void add_ranges(int n) {
   char name[32];
   for (int i = 0; i < n; i++) {
      snprintf(name, sizeof name, "step %d", i);
      sc_span_end(sc_span_begin_range(name));
   }
}

// What a script calls its ranges takes no room from the next profile, nor from spans of scute's own.
static void test_more_names_than_rows(void **state) {
   (void)state;
   ScSpanRow rows[SC_SPAN_ROWS];
   sc_profiling_begin();
   add_ranges(1000);
   sc_span_end(sc_span_begin("own"));
   int n = sc_span_rows(rows);
   assert_int_equal(find(rows, n, "own", false)->count, 1);
   assert_int_equal(find(rows, n, "step 0", false)->count, 1);
   assert_int_equal(find(rows, n, "other ranges", false)->count, 1000 - (n - 2));
   sc_profiling_end();
   sc_profiling_begin();
   sc_span_end(sc_span_begin_range("mine"));
   assert_int_equal(sc_span_rows(rows), 1);
   assert_int_equal(find(rows, 1, "mine", false)->count, 1);
   sc_profiling_end();
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test_setup_teardown(test_file_is_whole_all_the_time, make_path, remove_path),
       cmocka_unit_test_setup_teardown(test_full_disk, make_path, remove_path),
       cmocka_unit_test_setup_teardown(test_append_that_fails, make_path, remove_path),
       cmocka_unit_test_setup_teardown(test_file_that_is_gone, make_path, remove_path),
       cmocka_unit_test_setup_teardown(test_threads, make_path, remove_path),
       cmocka_unit_test(test_spans),
       cmocka_unit_test(test_more_names_than_rows),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
