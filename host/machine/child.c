#define _GNU_SOURCE
#include "host/machine/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/machine/launcher.h"
#include "host/machine/stops.h"

static const long STEP = 20 * 1000 * 1000; // nanoseconds from one look to the next

// ---- what it starts with ----

static bool is_replaced(const char *variable, const char *const *additions) {
   size_t name = strcspn(variable, "=") + 1;
   for (; *additions; additions++)
      if (strncmp(variable, *additions, name) == 0) return true;
   return false;
}

static size_t count(const char *const *list) {
   size_t n = 0;
   while (list[n]) n++;
   return n;
}

// Only the list is new, and is to be freed; NULL without memory.
static const char **environment_with(const char *const *additions) {
   const char *const *ours = (const char *const *)environ;
   const char **all = malloc((count(ours) + count(additions) + 1) * sizeof *all);
   if (!all) return NULL;
   size_t n = 0;
   for (; *ours; ours++)
      if (!is_replaced(*ours, additions) && !sc_launch_is_private(*ours)) all[n++] = *ours;
   memcpy(all + n, additions, (count(additions) + 1) * sizeof *all);
   return all;
}

// Input, output, errors. In rising order none of them is in the way of the next, whatever was closed here.
static ScStatus open_streams(const ScChildCommand *command, int streams[3]) {
   const char *paths[] = {"/dev/null", command->output, command->errors};
   for (int i = 0; i < 3; i++) {
      int how = i == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_APPEND;
      streams[i] = open(paths[i], how | O_CLOEXEC, 0666);
      if (streams[i] >= 0) continue;
      ScStatus status = sc_fail(SC_EIO, "cannot open '%s': %s", paths[i], strerror(errno));
      while (i-- > 0) close(streams[i]);
      return status;
   }
   return SC_OK;
}

// ---- starting ----

// What is ignored here for our own sake is not ignored there. A group of its own can be signalled as a whole.
static void set_signals(posix_spawnattr_t *how) {
   sigset_t defaults, none;
   sigemptyset(&none);
   sigemptyset(&defaults);
   sigaddset(&defaults, SIGPIPE);
   sigaddset(&defaults, SIGXFSZ);
   posix_spawnattr_setsigdefault(how, &defaults);
   posix_spawnattr_setsigmask(how, &none);
   posix_spawnattr_setpgroup(how, 0);
   posix_spawnattr_setflags(how, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
}

static int set_files(posix_spawn_file_actions_t *files, const ScChildCommand *command, const int streams[3]) {
   int failed = command->folder ? posix_spawn_file_actions_addchdir_np(files, command->folder) : 0;
   for (int i = 0; i < 3 && !failed; i++) failed = posix_spawn_file_actions_adddup2(files, streams[i], i);
   return failed ? failed : posix_spawn_file_actions_addclosefrom_np(files, 3);
}

// Returns 0 or what errno calls it.
static int spawn(const ScChildCommand *command, const char *const *environment, const int streams[3],
                 pid_t *child) {
   const char *const *words = command->words;
   posix_spawnattr_t how;
   posix_spawn_file_actions_t files;
   int failed = posix_spawnattr_init(&how);
   if (failed) return failed;
   failed = posix_spawn_file_actions_init(&files);
   if (!failed) {
      set_signals(&how);
      failed = set_files(&files, command, streams);
      if (!failed)
         failed = posix_spawnp(child, words[0], &files, &how, (char *const *)words, (char *const *)environment);
      posix_spawn_file_actions_destroy(&files);
   }
   posix_spawnattr_destroy(&how);
   return failed;
}

// A parent of ours that ignores it, as some do, would hide how children end.
static void hear_of_ends(void) {
   struct sigaction now;
   if (sigaction(SIGCHLD, NULL, &now) == 0 && now.sa_handler == SIG_IGN) signal(SIGCHLD, SIG_DFL);
}

ScStatus sc_child_start(const ScChildCommand *command, long *id) {
   int streams[3];
   if (!command->words[0]) return sc_fail(SC_EARG, "a process needs the name of a program");
   SC_TRY(open_streams(command, streams));
   const char **environment = environment_with(command->additions);
   pid_t child = 0;
   hear_of_ends();
   int failed = environment ? spawn(command, environment, streams, &child) : ENOMEM;
   free(environment);
   for (int i = 0; i < 3; i++) close(streams[i]);
   if (failed) return sc_fail(SC_EIO, "cannot start '%s': %s", command->words[0], strerror(failed));
   *id = child;
   sc_stops_with_us(child);
   return SC_OK;
}

// ---- what becomes of it ----

static double seconds_now(void) {
   struct timespec now;
   clock_gettime(CLOCK_MONOTONIC, &now);
   return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// It is taken notice of only after its group was killed: until then no other process can have its number.
static ScChildEnd end_of(const siginfo_t *found) {
   ScChildEnd end = found->si_code == CLD_EXITED ? (ScChildEnd){.exit_code = found->si_status}
                                                 : (ScChildEnd){.signal = found->si_status};
   if (end.exit_code || end.signal) kill(-found->si_pid, SIGKILL);
   sc_stops_without_us(found->si_pid);
   waitpid(found->si_pid, NULL, 0);
   return end;
}

static ScStatus look(int n, const long *ids, int *which, ScChildEnd *end) {
   *which = -1;
   for (int i = 0; i < n; i++) {
      siginfo_t found = {0};
      if (waitid(P_PID, (id_t)ids[i], &found, WEXITED | WNOHANG | WNOWAIT) != 0 && errno != EINTR)
         return sc_fail(SC_EIO, "cannot wait for process %ld: %s", ids[i], strerror(errno));
      if (found.si_pid == 0) continue;
      *which = i;
      *end = end_of(&found);
      break;
   }
   return SC_OK;
}

ScStatus sc_child_wait(int n, const long *ids, double seconds, int *which, ScChildEnd *end) {
   double until = seconds_now() + seconds;
   for (;;) {
      SC_TRY(look(n, ids, which, end));
      double left = until - seconds_now();
      if (*which >= 0 || !(left > 0)) return SC_OK;
      struct timespec step = {.tv_nsec = left * 1e9 < (double)STEP ? (long)(left * 1e9) : STEP};
      if (nanosleep(&step, NULL) != 0) return look(n, ids, which, end);
   }
}

ScStatus sc_child_signal(long id, int signal) {
   if (id <= 1) return sc_fail(SC_EARG, "%ld is the number of no child", id);
   if (kill(-(pid_t)id, signal) == 0) return SC_OK;
   return sc_fail(SC_EIO, "cannot send signal %d to process %ld: %s", signal, id, strerror(errno));
}
