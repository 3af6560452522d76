// What mpirun says of how processes ended, as it says it, in pieces of all sizes.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/machine/noise.h"
#include "tests/c/check.h"

#define FENCE "--------------------------------------------------------------------------\n"
#define PRIMARY                                                                                                \
   FENCE "Primary job  terminated normally, but 1 process returned\n"                                          \
         "a non-zero exit code. Per user-direction, the job has been aborted.\n" FENCE
#define KILLED                                                                                                 \
   FENCE "mpirun noticed that process rank 1 with PID 0 on node a-host exited on signal 9 (Killed).\n" FENCE
#define EXITED                                                                                                 \
   FENCE "mpirun detected that one or more processes exited with non-zero status, thus causing\n"              \
         "the job to be terminated. The first process to do so was:\n\n"                                       \
         "  Process name: [[14018,1],3]\n  Exit code:    7\n" FENCE
#define ABORTED                                                                                                \
   FENCE "MPI_ABORT was invoked on rank 2 in communicator MPI_COMM_WORLD\nwith errorcode 5.\n\n"               \
         "NOTE: invoking MPI_ABORT causes Open MPI to kill all MPI processes.\n" FENCE
#define MORE                                                                                                   \
   "[a-host:123] 1 more process has sent help message help-mpi-api.txt / mpi-abort\n"                          \
   "[a-host:123] Set MCA parameter \"orte_base_help_aggregate\" to 0 to see all help / error messages\n"       \
   "[a-host:1] [[1652,0],0] ORTE_ERROR_LOG: Data unpack would read past end of buffer in file "                \
   "../../../orte/util/show_help.c at line 513\n"                                                              \
   "mpirun: Forwarding signal 20 to job\n"

static ScNoise noise;
static char heard[32768];

// What is passed on of a text that comes in pieces of `size` bytes; *noise is what was noted.
static const char *pass(const char *text, size_t size) {
   int ends[2];
   assert_int_equal(pipe(ends), 0);
   sc_noise_begin(&noise, ends[1]);
   for (size_t at = 0, n = strlen(text); at < n; at += size)
      sc_noise_take(&noise, text + at, n - at < size ? n - at : size);
   sc_noise_flush(&noise);
   close(ends[1]);
   size_t all = 0;
   for (ssize_t n; (n = read(ends[0], heard + all, sizeof heard - 1 - all)) > 0;) all += (size_t)n;
   heard[all] = 0;
   close(ends[0]);
   return heard;
}

static void passes(const char *text, const char *expected) {
   for (size_t size = 1; size < 200; size += size < 5 ? 1 : 37) assert_string_equal(pass(text, size), expected);
}

// Of mpirun that has ended all for that, and may then fail itself.
static void test_nobody_reads(void **state) {
   (void)state;
   static const char pipe_line[] = "[a-host:95] mpirun: SIGPIPE detected on fd 13 - aborting\n";
   char text[1024];
   snprintf(text, sizeof text,
            "%s\nscute: a\n%s%smpirun: abort is already in progress...hit ctrl-c again\n\n%s%s",
            "[a-host:95] of the user's\n", pipe_line, pipe_line,
            "[a-host:95] Signal: Segmentation fault (11)\n", "scute: b\n\n");
   passes(text, "[a-host:95] of the user's\n\nscute: a\nscute: b\n");
   assert_true(noise.broken);
}

static void test_blocks_are_read(void **state) {
   (void)state;
   passes("scute: a\n" PRIMARY KILLED "scute: b\n", "scute: a\nscute: b\n");
   assert_int_equal(noise.rank, 1);
   assert_int_equal(noise.signal, 9);
   assert_false(noise.said);
   passes(PRIMARY EXITED, "");
   assert_int_equal(noise.rank, 3);
   assert_int_equal(noise.code, 7);
   passes("scute: rank 2: no\n" ABORTED MORE, "scute: rank 2: no\n");
   assert_int_equal(noise.rank, 2);
   assert_int_equal(noise.code, 5);
   assert_true(noise.said);
}

// Those that follow are of processes that were ended for the sake of the first one.
static void test_the_first_one_counts(void **state) {
   (void)state;
   passes(ABORTED KILLED, "");
   assert_int_equal(noise.rank, 2);
   assert_int_equal(noise.signal, 0);
}

static void test_the_rest_is_passed_on(void **state) {
   (void)state;
   static const char *const texts[] = {
       "",
       "no end of line",
       "mpi\nm",
       "- a list\n-- of lines\n---\n",
       "[1] a list\n[2]",
       FENCE "There are not enough slots available in the system\n" FENCE "more\n",
       FENCE "a line below a title\n",
       FENCE,
       "a" FENCE "b\n",
       "\n\n" FENCE "\n" FENCE FENCE,
       "12 % \r13 % \r-\r",
   };
   for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
      passes(texts[i], texts[i]);
      assert_int_equal(noise.rank, -1);
   }
}

// What is longer than any block of mpirun's is none.
static void test_a_long_text(void **state) {
   (void)state;
   static char text[20000] = FENCE;
   for (size_t i = strlen(text); i < sizeof text - 1; i++) text[i] = i % 60 ? 'x' : '\n';
   passes(text, text);
}

// What waits for its other half goes out when nothing comes.
static void test_nothing_is_held_for_ever(void **state) {
   (void)state;
   int ends[2];
   char byte = 0;
   assert_int_equal(pipe(ends), 0);
   sc_noise_begin(&noise, ends[1]);
   sc_noise_take(&noise, "-", 1);
   sc_noise_flush(&noise);
   assert_int_equal(read(ends[0], &byte, 1), 1);
   assert_int_equal(byte, '-');
   sc_noise_take(&noise, "-\n", 2);
   assert_int_equal(read(ends[0], &byte, 1), 1);
   assert_int_equal(byte, '-');
   close(ends[0]);
   close(ends[1]);
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_nobody_reads),         cmocka_unit_test(test_blocks_are_read),
       cmocka_unit_test(test_the_first_one_counts), cmocka_unit_test(test_the_rest_is_passed_on),
       cmocka_unit_test(test_a_long_text),          cmocka_unit_test(test_nothing_is_held_for_ever),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
