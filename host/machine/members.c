#define _GNU_SOURCE // pipe2
#include "host/machine/members.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// ---- signals ----

static volatile pid_t *members; // by rank; 0: it has ended
static volatile sig_atomic_t many, asked, is_over, question;
static volatile long long first_press;

// Wrappers pass one signal on twice; see host/term/signals.c.
static const long long SAME_PRESS = 250 * 1000 * 1000;

static long long now(void) {
   struct timespec t;
   clock_gettime(CLOCK_MONOTONIC, &t);
   return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void tell_all(int number) {
   for (int rank = 0; rank < many; rank++)
      if (members[rank] > 0) kill(members[rank], number);
}

// They are in a group of their own, so that what a terminal sends comes here alone.
static void on_end(int number) {
   int saved = errno;
   if (!asked) {
      asked = number;
      first_press = now();
      tell_all(question);
   } else if (!is_over && now() - first_press >= SAME_PRESS) {
      is_over = true;
      tell_all(SIGKILL);
   }
   errno = saved;
}

static void on_stop(int number) {
   int saved = errno;
   (void)number;
   tell_all(SIGSTOP);
   raise(SIGSTOP);
   tell_all(SIGCONT);
   errno = saved;
}

// What was ignored from the start stays so.
static void handle(int number, void (*handler)(int)) {
   struct sigaction before, action = {.sa_handler = handler};
   sigemptyset(&action.sa_mask);
   if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(number, &action, NULL);
}

// ---- starting ----

static void say(const char *name, const char *format, int a, int b) {
   char text[32];
   snprintf(text, sizeof text, format, a, b);
   setenv(name, text, 1);
}

// In the child: its own numbers, and no input but for the first, which may have the user's.
static void become(char *const *arguments, int rank, int n, const int ends[2], pid_t group, pid_t parent) {
   setpgid(0, group);
   prctl(PR_SET_PDEATHSIG, SIGKILL);
   if (getppid() != parent) _exit(128 + SIGKILL);
   say("SCUTE_WORLD_RANK", "%d", rank, 0);
   say("SCUTE_WORLD_SIZE", "%d", n, 0);
   say("SCUTE_WORLD_PIPE", "%d,%d", ends[0], ends[1]);
   int nothing = rank > 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
   if (nothing >= 0) dup2(nothing, STDIN_FILENO);
   execv(arguments[0], arguments);
   fprintf(stderr, "scute: cannot start '%s': %s\n", arguments[0], strerror(errno));
   _exit(EXIT_FAILURE);
}

static ScStatus start(int n, char *const *arguments, const int ends[2]) {
   pid_t parent = getpid();
   fflush(stdout);
   for (int rank = 0; rank < n; rank++) {
      pid_t child = fork();
      if (child == 0) become(arguments, rank, n, ends, members[0], parent);
      if (child < 0) {
         ScStatus status = sc_fail(SC_EIO, "cannot start process %d of %d: %s", rank, n, strerror(errno));
         tell_all(SIGKILL);
         return status;
      }
      members[rank] = child;
      many = rank + 1;
   }
   return SC_OK;
}

// ---- waiting ----

static int rank_of(pid_t child) {
   for (int rank = 0; rank < many; rank++)
      if (members[rank] == child) return rank;
   return -1;
}

// One that was ended by a signal could say nothing.
static void tell_end(int rank, int status) {
   if (!WIFSIGNALED(status) || asked) return;
   const char *erase = isatty(STDERR_FILENO) && isatty(STDOUT_FILENO) ? "\r\033[K" : "";
   fprintf(stderr, "%sscute: rank %d was ended by signal %d (%s), and the others with it; %s\n", erase, rank,
           WTERMSIG(status), strsignal(WTERMSIG(status)), SC_GOES_ON);
}

static int wait_for_all(void) {
   int left = many, code = 0, status;
   while (left > 0) {
      pid_t child = waitpid(-1, &status, 0);
      if (child < 0 && errno != EINTR) break;
      int rank = child > 0 ? rank_of(child) : -1;
      if (rank < 0 || WIFSTOPPED(status)) continue;
      members[rank] = 0;
      left--;
      int own = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
      if (own == 0 || code != 0) continue;
      code = own;
      tell_end(rank, status);
      tell_all(SIGKILL); // what they write is whole, or is not there
   }
   return code && asked ? 128 + asked : code;
}

static ScStatus run(int n, char *const *arguments, int *code) {
   int ends[2];
   if (pipe2(ends, 0) != 0) return sc_fail(SC_EIO, "cannot make a pipe: %s", strerror(errno));
   handle(SIGINT, on_end);
   handle(SIGTERM, on_end);
   handle(SIGTSTP, on_stop);
   ScStatus status = start(n, arguments, ends);
   close(ends[0]);
   close(ends[1]);
   int found = wait_for_all();
   if (status == SC_OK) *code = found;
   return status;
}

ScStatus sc_members_run(int n, char *const *arguments, int asking, int *code) {
   members = calloc((size_t)n, sizeof *members);
   if (!members) return sc_fail(SC_EMEM, "out of memory");
   question = asking;
   ScStatus status = run(n, arguments, code);
   many = 0;
   free((void *)members);
   members = NULL;
   return status;
}
