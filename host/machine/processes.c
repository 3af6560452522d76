#define _GNU_SOURCE // pipe2
#include "host/machine/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/core/world.h"
#include "host/machine/machine.h"
#include "host/machine/members.h"

// ---- signals ----

static volatile pid_t launcher;
static volatile sig_atomic_t asked, is_over; // the first signal; whether there was a second one
static volatile long long first_press;

// Wrappers pass one signal on twice; see host/term/signals.c.
static const long long SAME_PRESS = 250 * 1000 * 1000;

static long long now(void) {
   struct timespec t;
   clock_gettime(CLOCK_MONOTONIC, &t);
   return t.tv_sec * 1000000000LL + t.tv_nsec;
}

// mpirun is in a group of its own, so that what a terminal sends comes here alone.
static void on_end(int number) {
   int saved = errno;
   if (!asked) {
      asked = number;
      first_press = now();
      kill(launcher, SC_ASKED_TO_END);
   } else if (!is_over && now() - first_press >= SAME_PRESS) {
      is_over = true;
      kill(launcher, SIGTERM);
   }
   errno = saved;
}

// Ctrl-Z: mpirun passes it on.
static void on_stop(int number) {
   int saved = errno;
   (void)number;
   kill(launcher, SIGTSTP);
   raise(SIGSTOP);
   kill(launcher, SIGCONT);
   errno = saved;
}

// What was ignored from the start stays so.
static void handle(int number, void (*handler)(int)) {
   struct sigaction before, action = {.sa_handler = handler};
   sigemptyset(&action.sa_mask);
   if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(number, &action, NULL);
}

// ---- the command ----

// Compute threads share the cores, unless the user says how many there are.
static void share_cores(int n) {
   const char *said = getenv("SCUTE_THREADS");
   char text[16];
   if ((said && *said) || getenv("OMP_NUM_THREADS")) return;
   int threads = sc_usable_cores() / n;
   snprintf(text, sizeof text, "%d", threads < 1 ? 1 : threads);
   setenv("OMP_NUM_THREADS", text, 1);
}

enum { OPTIONS = 8 };

// mpirun -np N --bind-to none --oversubscribe PROGRAM ARGUMENTS..., to be freed; NULL without memory.
static char **command(const char *number, char *program, char *const *arguments) {
   size_t n = 0;
   while (arguments[n]) n++;
   char **words = calloc(n + OPTIONS + 1, sizeof *words);
   if (!words) return NULL;
   char **at = words;
   *at++ = "mpirun";
   *at++ = "-np";
   *at++ = (char *)number;
   *at++ = "--bind-to";
   *at++ = "none";
   *at++ = "--oversubscribe";
   if (geteuid() == 0) *at++ = "--allow-run-as-root";
   *at++ = program;
   memcpy(at, arguments, n * sizeof *at);
   return words;
}

// ---- running ----

// In the child. What went wrong goes into the pipe, which closes otherwise. Debian's name says that it is Open
// MPI's, where others are installed too.
static void become(char **words, pid_t parent, int pipe) {
   setpgid(0, 0);
   prctl(PR_SET_PDEATHSIG, SIGTERM);
   if (getppid() != parent) _exit(128 + SIGTERM);
   execvp("mpirun.openmpi", words);
   if (errno == ENOENT) execvp("mpirun", words);
   int why = errno;
   if (write(pipe, &why, sizeof why) < 0) _exit(EXIT_FAILURE);
   _exit(EXIT_FAILURE);
}

static ScStatus fail_to_start(int why) {
   if (why == ENOENT)
      return sc_fail(SC_EUNSUPPORTED, "--nproc needs mpirun, which is not on the PATH (Debian: apt install "
                                      "openmpi-bin libopenmpi-dev)");
   return sc_fail(SC_EIO, "cannot start mpirun: %s", strerror(why));
}

// The child's number in `launcher`, once mpirun runs.
static ScStatus start(char **words) {
   int ends[2], why = 0;
   if (pipe2(ends, O_CLOEXEC) != 0) return fail_to_start(errno);
   pid_t parent = getpid();
   launcher = fork();
   if (launcher == 0) become(words, parent, ends[1]);
   if (launcher < 0) why = errno;
   close(ends[1]);
   ssize_t n;
   while (!why && (n = read(ends[0], &why, sizeof why)) < 0 && errno == EINTR) {
   }
   close(ends[0]);
   if (!why) return SC_OK;
   if (launcher > 0) waitpid(launcher, NULL, 0);
   return fail_to_start(why);
}

static int wait_for_end(void) {
   int status = 0;
   while (waitpid(launcher, &status, 0) < 0 && errno == EINTR) {
   }
   int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
   return code && asked ? 128 + asked : code;
}

static ScStatus run(char **words, int *code) {
   fflush(stdout);
   SC_TRY(start(words));
   handle(SIGINT, on_end);
   handle(SIGTERM, on_end);
   handle(SIGTSTP, on_stop);
   *code = wait_for_end();
   return SC_OK;
}

// Whether that program is in a folder of the PATH.
static bool is_on_path(const char *name) {
   char path[PATH_MAX];
   for (const char *at = getenv("PATH"); at && *at; at += strspn(at, ":")) {
      size_t n = strcspn(at, ":");
      snprintf(path, sizeof path, "%.*s/%s", (int)n, at, name);
      if (access(path, X_OK) == 0) return true;
      at += n;
   }
   return false;
}

// Where MPI is not there processes can be joined by NCCL alone, if each has a GPU.
static bool goes_through_gpus(void) {
   const char *wish = getenv("SCUTE_WORLD");
   if (wish && *wish) return strcmp(wish, "nccl") == 0;
   bool has_mpi = sc_world_can_join() == SC_OK && (is_on_path("mpirun.openmpi") || is_on_path("mpirun"));
   return !has_mpi && sc_world_can_join_gpus() == SC_OK;
}

// The part of a command that begins with the program.
static char *const *from_program(char **words, const char *program) {
   while (*words != program) words++;
   return words;
}

ScStatus sc_processes_run(int n, char *const *arguments, int *code) {
   char program[PATH_MAX], number[16];
   bool through_gpus = goes_through_gpus();
   if (!through_gpus) SC_TRY(sc_world_can_join());
   ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
   if (length < 0) return sc_fail(SC_EIO, "cannot tell where this program is: %s", strerror(errno));
   program[length] = 0;
   snprintf(number, sizeof number, "%d", n);
   share_cores(n);
   char **words = command(number, program, arguments);
   if (!words) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status =
       through_gpus ? sc_members_run(n, from_program(words, program), SC_ASKED_TO_END, code) : run(words, code);
   free(words);
   return status;
}
