// Processes that scute starts without a launcher: how they end, and what they begin with.
#define _GNU_SOURCE
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/machine/members.h"
#include "tests/c/check.h"

static int run(const char *line) {
   char *words[] = {"/bin/sh", "-c", (char *)line, NULL};
   int code = -1;
   assert_ok(sc_members_run(2, words, SIGUSR2, &code));
   return code;
}

// In a process of its own, whose streams and signals are those that `prepare` makes.
static int run_in_child(void (*prepare)(void), const char *line) {
   int status;
   pid_t child = fork();
   if (child == 0) {
      prepare();
      _exit(run(line));
   }
   assert_int_equal(waitpid(child, &status, 0), child);
   assert_true(WIFEXITED(status));
   return WEXITSTATUS(status);
}

static const char *const FAILS = "[ $SCUTE_WORLD_RANK = 0 ] && exec sleep 60; exit 3";
static const char *const IS_KILLED = "[ $SCUTE_WORLD_RANK = 0 ] && exec sleep 60; kill -9 $$";

static void nothing(void) {}

static void test_one_fails(void **state) {
   (void)state;
   assert_int_equal(run_in_child(nothing, "exit 0"), 0);
   assert_int_equal(run_in_child(nothing, FAILS), 3);
   assert_int_equal(run_in_child(nothing, IS_KILLED), 128 + SIGKILL);
}

static void ignore_ends(void) {
   signal(SIGCHLD, SIG_IGN);
}

static void test_ends_that_were_ignored(void **state) {
   (void)state;
   assert_int_equal(run_in_child(ignore_ends, "exit 0"), 0);
   assert_int_equal(run_in_child(ignore_ends, FAILS), 3);
   assert_int_equal(run_in_child(ignore_ends, IS_KILLED), 128 + SIGKILL);
}

// What is blocked and ignored here, for those that are started to compare with what they find: whoever runs the
// tests may block and ignore anything.
static void remember_signals(void) {
   char line[128], found[2 * sizeof line] = "";
   FILE *status = fopen("/proc/self/status", "r");
   if (!status) _exit(99);
   while (fgets(line, sizeof line, status)) {
      line[strcspn(line, "\n")] = 0;
      if (strncmp(line, "SigBlk", 6) == 0 || strncmp(line, "SigIgn", 6) == 0) strcat(found, line);
   }
   fclose(status);
   setenv("SIGNALS", found, 1);
}

static void block_and_ignore(void) {
   sigset_t blocked;
   sigemptyset(&blocked);
   sigaddset(&blocked, SIGUSR2);
   sigprocmask(SIG_BLOCK, &blocked, NULL);
   signal(SIGINT, SIG_IGN);
   signal(SIGTERM, SIG_DFL);
   remember_signals();
}

// Of another number than block_and_ignore's, so that a comparison that cannot fail would be seen.
static void remember_others(void) {
   block_and_ignore();
   signal(SIGINT, SIG_DFL);
}

static void test_signals(void **state) {
   (void)state;
   static const char line[] =
       "[ \"$(grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\n')\" = \"$SIGNALS\" ]";
   assert_int_equal(run_in_child(remember_signals, line), 0);
   assert_int_equal(run_in_child(block_and_ignore, line), 0);
   assert_int_equal(run_in_child(remember_others, line), 1);
}

// The terminal of another group stops who reads from it.
static void take_terminal(void) {
   int ours, theirs;
   if (openpty(&ours, &theirs, NULL, NULL, NULL) != 0 || dup2(theirs, STDIN_FILENO) < 0) _exit(99);
}

static void take_pipe(void) {
   int ends[2];
   if (pipe(ends) != 0 || write(ends[1], "7", 1) != 1 || dup2(ends[0], STDIN_FILENO) < 0) _exit(99);
   close(ends[1]);
}

static void test_input(void **state) {
   (void)state;
   assert_int_equal(run_in_child(take_terminal, "[ ! -t 0 ] && [ -z \"$(cat)\" ]"), 0);
   static const char line[] = "read -r x; [ \"$SCUTE_WORLD_RANK$x\" = 07 ] || [ \"$SCUTE_WORLD_RANK$x\" = 1 ]";
   assert_int_equal(run_in_child(take_pipe, line), 0);
}

int main(void) {
   signal(SIGCHLD, SIG_DFL); // who runs the tests may ignore it, which is passed on, and waitpid fails
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_one_fails),
       cmocka_unit_test(test_ends_that_were_ignored),
       cmocka_unit_test(test_signals),
       cmocka_unit_test(test_input),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
