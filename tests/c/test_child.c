// Processes that are started and waited for, and what a process lets itself be limited to.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "host/machine/child.h"
#include "host/machine/limit.h"
#include "tests/c/scratch.h"

static const double LONG = 60; // seconds in which anything here has ended

// valgrind plays the system to a program: a start that fails looks like a program that does, and limits are no
// limits.
static void skip_under_valgrind(void) {
   const char *preloaded = getenv("LD_PRELOAD");
   if (preloaded && strstr(preloaded, "vgpreload")) skip();
}

static const char *folder; // in which they begin

static long started_again(const char *script, const char *addition) {
   const char *words[] = {"sh", "-c", script, NULL}, *additions[] = {addition, NULL};
   ScChildCommand command = {words, additions, scratch("output"), scratch("errors"), folder};
   long id = 0;
   assert_ok(sc_child_start(&command, &id));
   assert_true(id > 1);
   return id;
}

static long started(const char *script, const char *addition) {
   unlink(scratch("output"));
   unlink(scratch("errors"));
   return started_again(script, addition);
}

static ScChildEnd end_of(long id) {
   ScChildEnd end;
   int which;
   assert_ok(sc_child_wait(1, &id, LONG, &which, &end));
   assert_int_equal(which, 0);
   return end;
}

static void says(const char *name, const char *expected) {
   size_t size;
   unsigned char *text = slurp(scratch(name), &size);
   text[size] = '\0';
   assert_string_equal((char *)text, expected);
   free(text);
}

static void what_it_says_is_in_files_and_its_exit_code_is_told(void **state) {
   (void)state;
   ScChildEnd end = end_of(started("echo out; cat; echo err >&2; exit 3", NULL));
   assert_int_equal(end.exit_code, 3);
   assert_int_equal(end.signal, 0);
   says("output", "out\n");
   says("errors", "err\n");
   end_of(started_again("echo again", NULL));
   says("output", "out\nagain\n");
   says("errors", "err\n");
}

static void it_begins_in_a_folder(void **state) {
   (void)state;
   folder = "/";
   end_of(started("pwd >&2", NULL));
   folder = NULL;
   says("errors", "/\n");
}

static void additions_stand_in_the_place_of_what_there_was(void **state) {
   (void)state;
   setenv("SCUTE_TEST_CHILD", "ours", 1);
   setenv("SCUTE_TEST_CHILD_TOO", "kept", 1);
   end_of(started("echo $SCUTE_TEST_CHILD $SCUTE_TEST_CHILD_TOO; grep -zc ^SCUTE_TEST_CHILD= /proc/$$/environ",
                  "SCUTE_TEST_CHILD=theirs"));
   says("output", "theirs kept\n1\n");
   assert_string_equal(getenv("SCUTE_TEST_CHILD"), "ours");
}

static void no_open_file_goes_along(void **state) {
   (void)state;
   int file = open(scratch("open"), O_WRONLY | O_CREAT, 0600), high = fcntl(file, F_DUPFD, 7);
   assert_true(file >= 0 && high >= 7);
   char script[128];
   snprintf(script, sizeof script, "test -e /proc/$$/fd/%d && exit 1; test -e /proc/$$/fd/%d && exit 2; exit 0",
            file, high);
   assert_int_equal(end_of(started(script, NULL)).exit_code, 0);
   close(file);
   close(high);
}

static void a_signal_is_told_as_one(void **state) {
   (void)state;
   long id = started("kill -KILL $$", NULL);
   assert_int_equal(end_of(id).signal, SIGKILL);
   id = started("exec sleep 1000", NULL);
   assert_ok(sc_child_signal(id, SIGTERM));
   assert_int_equal(end_of(id).signal, SIGTERM);
   assert_fails(sc_child_signal(id, SIGTERM), SC_EIO, "No such process");
   assert_fails(sc_child_signal(0, SIGTERM), SC_EARG, "no child");
}

// Reads the number that a process has written to a file, which may take it a while.
static pid_t number_in(const char *name) {
   int number = 0;
   while (number <= 0) {
      FILE *file = fopen(scratch(name), "r");
      char end;
      if (file && fscanf(file, "%d%c", &number, &end) != 2) number = 0;
      if (file) fclose(file);
   }
   return number;
}

// 'S', 'T', 'Z' as /proc tells it, 0 where there is none.
static char state_of(pid_t id) {
   char path[64], found = 0;
   snprintf(path, sizeof path, "/proc/%d/stat", (int)id);
   FILE *file = fopen(path, "r");
   if (file && fscanf(file, "%*d (%*[^)]) %c", &found) != 1) found = 0;
   if (file) fclose(file);
   return found;
}

static bool has_ended(pid_t id) {
   char found = state_of(id);
   return found == 0 || found == 'Z';
}

static void what_it_has_started_ends_with_it(void **state) {
   (void)state;
   long id = started("sleep 1000 & echo $! >&2; wait", NULL);
   pid_t inner = number_in("errors");
   assert_ok(sc_child_signal(id, SIGKILL));
   end_of(id);
   while (!has_ended(inner)) continue; // init takes notice
   id = started("sleep 1000 & echo $! >&2", NULL);
   inner = number_in("errors");
   end_of(id);
   assert_false(has_ended(inner)); // it ended well
   kill(inner, SIGKILL);
}

static void waiting_ends_with_the_time_or_with_any_of_them(void **state) {
   (void)state;
   long ids[2] = {started("exec sleep 1000", NULL), 0};
   ScChildEnd end;
   int which;
   assert_ok(sc_child_wait(1, ids, 0.03, &which, &end));
   assert_int_equal(which, -1);
   ids[1] = started("exit 4", NULL);
   assert_ok(sc_child_wait(2, ids, LONG, &which, &end));
   assert_int_equal(which, 1);
   assert_int_equal(end.exit_code, 4);
   assert_ok(sc_child_signal(ids[0], SIGKILL));
   end_of(ids[0]);
   assert_fails(sc_child_wait(1, ids, 0, &which, &end), SC_EIO, "cannot wait for process");
   assert_ok(sc_child_wait(0, ids, 0, &which, &end));
   assert_int_equal(which, -1);
}

static void nothing(int signal) {
   (void)signal;
}

static void a_signal_ends_the_waiting(void **state) {
   (void)state;
   struct sigaction before, action = {.sa_handler = nothing, .sa_flags = SA_RESTART};
   sigaction(SIGALRM, &action, &before);
   long id = started("exec sleep 1000", NULL);
   char script[64];
   snprintf(script, sizeof script, "while kill -ALRM %d; do sleep 0.02; done", (int)getpid());
   long sender = started(script, NULL);
   ScChildEnd end;
   int which;
   assert_ok(sc_child_wait(1, &id, 1e9, &which, &end)); // forever, but for the signal
   assert_int_equal(which, -1);
   assert_ok(sc_child_signal(sender, SIGKILL));
   end_of(sender);
   sigaction(SIGALRM, &before, NULL);
   assert_ok(sc_child_signal(id, SIGKILL));
   end_of(id);
}

// A process that starts one and stops itself, as Ctrl-Z does.
static void stop_with_a_child(void) {
   setpgid(0, 0);
   long id = started("echo $$ >&2; exec sleep 1000", NULL);
   number_in("errors");
   raise(SIGTSTP);
   while (state_of((pid_t)id) == 'T') continue;
   sc_child_signal(id, SIGKILL);
   _exit(end_of(id).signal == SIGKILL ? 0 : 1);
}

static void they_stop_and_go_on_with_this_process(void **state) {
   (void)state;
   skip_under_valgrind();
   unlink(scratch("errors"));
   pid_t starter = fork();
   if (starter == 0) stop_with_a_child();
   pid_t inner = number_in("errors");
   int status;
   assert_int_equal(waitpid(starter, &status, WUNTRACED), starter);
   assert_true(WIFSTOPPED(status));
   while (state_of(inner) != 'T') continue;
   kill(starter, SIGCONT);
   assert_int_equal(waitpid(starter, &status, 0), starter);
   assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
   struct sigaction now;
   sigaction(SIGTSTP, NULL, &now);
   assert_true(now.sa_handler == SIG_DFL);
}

static void ends_are_told_where_they_were_ignored(void **state) {
   (void)state;
   signal(SIGCHLD, SIG_IGN);
   assert_int_equal(end_of(started("exit 5", NULL)).exit_code, 5);
}

static void what_cannot_be_started_is_named(void **state) {
   (void)state;
   skip_under_valgrind();
   const char *words[] = {"no-such-program-here", NULL}, *none[] = {NULL};
   ScChildCommand command = {words, none, scratch("output"), scratch("errors"), NULL};
   long id;
   assert_fails(sc_child_start(&command, &id), SC_EIO, "cannot start 'no-such-program-here': No such file");
   command.errors = scratch("missing/errors");
   assert_fails(sc_child_start(&command, &id), SC_EIO, "missing/errors': No such file");
   command.words = none;
   assert_fails(sc_child_start(&command, &id), SC_EARG, "name of a program");
}

// ---- limits, in a process of their own ----

static int exit_code_of(int (*run)(void)) {
   pid_t pid = fork();
   if (pid == 0) _exit(run());
   int status;
   assert_int_equal(waitpid(pid, &status, 0), pid);
   assert_true(WIFEXITED(status));
   return WEXITSTATUS(status);
}

// Bytes of this process that the limit counts.
static long long data(void) {
   char line[256];
   long long kilobytes = -1;
   FILE *file = fopen("/proc/self/status", "r");
   while (file && fgets(line, sizeof line, file) && sscanf(line, "VmData: %lld", &kilobytes) != 1) continue;
   if (file) fclose(file);
   return kilobytes * 1024;
}

static bool can_have(size_t bytes) {
   return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static int is_held_to_a_limit(void) {
   const long long limit = data() + (64LL << 20);
   long long before = 0;
   if (sc_limit_memory(limit, &before) != SC_OK || before != -1) return 1;
   if (can_have(128 << 20)) return 2;
   if (!can_have(16 << 20)) return 3;
   if (sc_limit_memory(-1, &before) != SC_OK || before != limit) return 4;
   return can_have(128 << 20) ? 0 : 5;
}

static int is_told_of_a_limit_too_low(void) {
   if (sc_limit_memory(1000, NULL) != SC_EARG || !strstr(sc_error(), "has ")) return 1;
   if (!strstr(sc_error(), "cannot be held to 0.0 MB")) return 2;
   return can_have(64 << 20) ? 0 : 3;
}

static int is_killed_first(void) {
   sc_killed_first();
   int score = 0;
   FILE *file = fopen("/proc/self/oom_score_adj", "r");
   return file && fscanf(file, "%d", &score) == 1 && score == 1000 ? 0 : 1;
}

static void memory_is_limited(void **state) {
   (void)state;
   skip_under_valgrind();
   assert_int_equal(exit_code_of(is_held_to_a_limit), 0);
   assert_int_equal(exit_code_of(is_told_of_a_limit_too_low), 0);
   assert_int_equal(exit_code_of(is_killed_first), 0);
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(what_it_says_is_in_files_and_its_exit_code_is_told),
       cmocka_unit_test(additions_stand_in_the_place_of_what_there_was),
       cmocka_unit_test(it_begins_in_a_folder),
       cmocka_unit_test(no_open_file_goes_along),
       cmocka_unit_test(a_signal_is_told_as_one),
       cmocka_unit_test(what_it_has_started_ends_with_it),
       cmocka_unit_test(they_stop_and_go_on_with_this_process),
       cmocka_unit_test(waiting_ends_with_the_time_or_with_any_of_them),
       cmocka_unit_test(a_signal_ends_the_waiting),
       cmocka_unit_test(ends_are_told_where_they_were_ignored),
       cmocka_unit_test(what_cannot_be_started_is_named),
       cmocka_unit_test(memory_is_limited),
   };
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
