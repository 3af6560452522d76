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

#include "host/machine/pass_on.h"

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

// ---- starting ----

static void say(const char *name, const char *format, int a, int b) {
   char text[32];
   snprintf(text, sizeof text, format, a, b);
   setenv(name, text, 1);
}

// What all of them are started with.
typedef struct {
   char *const *arguments;
   int n, ends[2]; // of the pipe
   pid_t parent;
   sigset_t mask;
} Start;

// In the child: its own numbers, and no input but for the first, which may have the user's (a terminal would
// stop it, since it is in another group).
static void become(const Start *how, int rank, pid_t group) {
   char *const *arguments = how->arguments;
   setpgid(0, group);
   sigprocmask(SIG_SETMASK, &how->mask, NULL);
   prctl(PR_SET_PDEATHSIG, SIGKILL);
   if (getppid() != how->parent) _exit(128 + SIGKILL);
   say("SCUTE_WORLD_RANK", "%d", rank, 0);
   say("SCUTE_WORLD_SIZE", "%d", how->n, 0);
   say("SCUTE_WORLD_PIPE", "%d,%d", how->ends[0], how->ends[1]);
   int nothing = rank > 0 || isatty(STDIN_FILENO) ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
   if (nothing >= 0) dup2(nothing, STDIN_FILENO);
   execv(arguments[0], arguments);
   fprintf(stderr, "scute: cannot start '%s': %s\n", arguments[0], strerror(errno));
   _exit(EXIT_FAILURE);
}

static ScStatus start(const Start *how) {
   fflush(stdout);
   for (int rank = 0; rank < how->n; rank++) {
      pid_t child = fork();
      if (child == 0) become(how, rank, members[0]);
      if (child < 0) {
         ScStatus status = sc_fail(SC_EIO, "cannot start process %d of %d: %s", rank, how->n, strerror(errno));
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

// Waits until one has ended, of which it tells `rank`, -1 where it is none of them, and how. It is forgotten
// before its number may become another's.
static ScStatus wait_for_one(int *rank, int *status) {
   siginfo_t found = {0};
   while (waitid(P_ALL, 0, &found, WEXITED | WNOWAIT) != 0)
      if (errno != EINTR) return sc_fail(SC_EIO, "cannot wait for the processes: %s", strerror(errno));
   *rank = rank_of(found.si_pid);
   if (*rank >= 0) members[*rank] = 0;
   if (waitpid(found.si_pid, status, 0) == found.si_pid) return SC_OK;
   return sc_fail(SC_EIO, "cannot tell how a process ended: %s", strerror(errno));
}

static ScStatus wait_for_all(int *code) {
   *code = 0;
   for (int left = many, rank, status; left > 0;) {
      SC_TRY(wait_for_one(&rank, &status));
      if (rank < 0) continue;
      left--;
      int own = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
      if (own == 0 || *code != 0) continue;
      *code = own;
      tell_end(rank, status);
      tell_all(SIGKILL); // what they write is whole, or is not there
   }
   if (*code && asked) *code = 128 + asked;
   return SC_OK;
}

static ScStatus run(int n, char *const *arguments, int *code) {
   Start how = {.arguments = arguments, .n = n, .parent = getpid()};
   if (pipe2(how.ends, 0) != 0) return sc_fail(SC_EIO, "cannot make a pipe: %s", strerror(errno));
   sc_pass_on_prepare(&how.mask);
   ScStatus started = start(&how);
   sc_pass_on(on_end, on_stop, &how.mask);
   close(how.ends[0]);
   close(how.ends[1]);
   int found;
   if (started != SC_OK) return wait_for_all(&found), started;
   SC_TRY(wait_for_all(&found));
   *code = found;
   return SC_OK;
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
