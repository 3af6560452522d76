// Processes of a launcher that end without its notice.
#define _GNU_SOURCE // pipe2
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/machine/ranks.h"
#include "tests/c/check.h"

static ScRanks ranks;

static void nap(void) {
   nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
}

static int input[2]; // both end with 0 once it is closed

// A launcher of two that never asks how they end, of which the first is told to be the second.
static pid_t launch(void) {
   assert_int_equal(pipe2(input, O_CLOEXEC), 0);
   pid_t launcher = fork();
   if (launcher == 0) {
      close(input[1]);
      dup2(input[0], STDIN_FILENO);
      for (int i = 0; i < 2; i++)
         if (fork() == 0) {
            setenv("OMPI_COMM_WORLD_RANK", i == 0 ? "1" : "0", 1);
            execlp("cat", "cat", NULL);
            _exit(EXIT_FAILURE);
         }
      for (;;) pause();
   }
   assert_true(launcher > 0);
   close(input[0]);
   return launcher;
}

static void end(pid_t launcher) {
   for (int i = 0; i < ranks.n; i++) kill(ranks.ids[i], SIGKILL);
   kill(launcher, SIGKILL);
   waitpid(launcher, NULL, 0);
   close(input[1]);
}

// Until both are what they are to be.
static void wait_for_two(pid_t launcher) {
   while (sc_ranks_look(&ranks, launcher) == 0 && (ranks.n < 2 || ranks.numbers[0] < 0 || ranks.numbers[1] < 0))
      nap();
   assert_int_equal(ranks.n, 2);
}

static void test_one_is_gone(void **state) {
   (void)state;
   pid_t launcher = launch();
   sc_ranks_begin(&ranks, 2);
   wait_for_two(launcher);
   assert_true(sc_ranks_look(&ranks, launcher) == 0);
   assert_false(sc_ranks_handle(&ranks, SIGUSR2)); // cat has no handlers
   kill(ranks.ids[1], SIGKILL);
   while (sc_ranks_look(&ranks, launcher) == 0) nap();
   assert_int_equal(ranks.gone, 0);
   assert_int_equal(ranks.signal, SIGKILL);
   double before = sc_ranks_look(&ranks, launcher);
   nap();
   assert_true(sc_ranks_look(&ranks, launcher) > before);
   kill(ranks.ids[0], SIGKILL); // where all are gone nobody waits
   while (sc_ranks_look(&ranks, launcher) > 0) nap();
   end(launcher);
}

// One that has done its work is not missed.
static void test_one_is_done(void **state) {
   (void)state;
   pid_t launcher = launch();
   sc_ranks_begin(&ranks, 2);
   wait_for_two(launcher);
   kill(ranks.ids[1], SIGSTOP);
   close(input[1]);
   while (!ranks.done[0]) {
      nap();
      assert_true(sc_ranks_look(&ranks, launcher) == 0);
   }
   assert_int_equal(ranks.gone, -1);
   input[1] = -1;
   end(launcher);
}

static void test_one_was_never_there(void **state) {
   (void)state;
   pid_t launcher = launch();
   sc_ranks_begin(&ranks, 3);
   while (sc_ranks_look(&ranks, launcher) == 0) nap();
   assert_int_equal(ranks.n, 2);
   assert_int_equal(ranks.gone, -1);
   end(launcher);
}

static void test_no_launcher(void **state) {
   (void)state;
   sc_ranks_begin(&ranks, 2);
   assert_true(sc_ranks_look(&ranks, 0) == 0);
   assert_int_equal(ranks.n, 0);
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_one_is_gone),
       cmocka_unit_test(test_one_is_done),
       cmocka_unit_test(test_one_was_never_there),
       cmocka_unit_test(test_no_launcher),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
