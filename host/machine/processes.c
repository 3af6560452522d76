#define _GNU_SOURCE // pipe2
#include "host/machine/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/core/world.h"
#include "host/machine/launcher.h"
#include "host/machine/machine.h"
#include "host/machine/members.h"
#include "host/machine/noise.h"
#include "host/machine/orphans.h"
#include "host/machine/parent.h"
#include "host/machine/pass_on.h"
#include "host/machine/ranks.h"

// ---- signals ----

static volatile pid_t launcher;              // 0: it has ended
static volatile sig_atomic_t asked, is_over; // the first signal; whether there was a second one, or is to be
static bool hung;                            // mpirun was ended, since one process was gone and others were not
static volatile long long first_press, second_press;

// Wrappers pass one signal on twice; see host/term/signals.c.
static const long long SAME_PRESS = 250 * 1000 * 1000;

// How long mpirun may take to end its processes once it was told to, and once one of them has ended.
static const long long LAST_WORDS = 3000LL * 1000 * 1000;
static const double PATIENCE = 5;

static long long now(void) {
   struct timespec t;
   clock_gettime(CLOCK_MONOTONIC, &t);
   return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void tell_launcher(int number) {
   if (launcher > 0) kill(launcher, number);
}

static void end_all(void) {
   if (is_over) return;
   is_over = true;
   second_press = now();
   tell_launcher(SIGTERM);
}

// mpirun is in a group of its own, so that what a terminal sends comes here alone.
static void on_end(int number) {
   int saved = errno;
   if (!asked) {
      asked = number;
      first_press = now();
   } else if (now() - first_press >= SAME_PRESS) {
      end_all();
   }
   errno = saved;
}

// Ctrl-Z: mpirun passes it on.
static void on_stop(int number) {
   int saved = errno;
   (void)number;
   tell_launcher(SIGTSTP);
   raise(SIGSTOP);
   tell_launcher(SIGCONT);
   errno = saved;
}

// ---- the command ----

// Compute threads share the cores, unless the user says how many there are.
static void share_cores(int n) {
   const char *said = getenv("SCUTE_THREADS"), *of_openmp = getenv("OMP_NUM_THREADS");
   int cores = sc_usable_cores(), threads = cores / n;
   char text[16];
   if ((said && *said) || (of_openmp && *of_openmp)) return;
   snprintf(text, sizeof text, "%d", threads < 1 ? 1 : threads);
   setenv("OMP_NUM_THREADS", text, 1);
}

// The terminal on which standard output ends, which the first process cannot see behind mpirun.
static void name_terminal(void) {
   const char *name = isatty(STDOUT_FILENO) ? ttyname(STDOUT_FILENO) : NULL;
   if (name)
      setenv("SCUTE_TERMINAL", name, 1);
   else
      unsetenv("SCUTE_TERMINAL");
}

enum { OPTIONS = 13 };

// mpirun -np N --bind-to none --oversubscribe PROGRAM ARGUMENTS..., to be freed; NULL without memory. What a
// batch system has lent beyond this machine, and which machines Open MPI was set up for, is not looked at.
static char **command(const char *number, char *program, char *const *arguments) {
   size_t n = 0;
   while (arguments[n]) n++;
   static char host[32];
   char **words = calloc(n + OPTIONS + 1, sizeof *words);
   if (!words) return NULL;
   snprintf(host, sizeof host, "localhost:%s", number);
   char **at = words;
   *at++ = "mpirun";
   *at++ = "-np";
   *at++ = (char *)number;
   *at++ = "--bind-to";
   *at++ = "none";
   *at++ = "--oversubscribe";
   *at++ = "--host";
   *at++ = host;
   *at++ = "--mca";
   *at++ = "ras";
   *at++ = "^slurm,tm,lsf,gridengine,alps";
   if (geteuid() == 0) *at++ = "--allow-run-as-root";
   *at++ = program;
   memcpy(at, arguments, n * sizeof *at);
   return words;
}

// ---- running ----

// In the child. What went wrong goes into the pipe, which closes otherwise. Debian's name says that it is Open
// MPI's, where others are installed too.
static void become(char **words, pid_t parent, const sigset_t *mask, int pipe, int errors) {
   setpgid(0, 0);
   sigprocmask(SIG_SETMASK, mask, NULL);
   dup2(errors, STDERR_FILENO);

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

// The child's number in `launcher`, once mpirun runs; *errors: what is to be read of its standard error.
static ScStatus start(char **words, const sigset_t *mask, int *errors) {
   int ends[2], said[2], why = 0;
   if (pipe2(ends, O_CLOEXEC) != 0) return fail_to_start(errno);
   if (pipe2(said, O_CLOEXEC) != 0) return close(ends[0]), close(ends[1]), fail_to_start(errno);
   pid_t parent = getpid();
   launcher = fork();
   if (launcher == 0) become(words, parent, mask, ends[1], said[1]);
   if (launcher < 0) why = errno;
   close(ends[1]);
   close(said[1]);
   *errors = said[0];
   ssize_t n;
   while (!why && (n = read(ends[0], &why, sizeof why)) < 0 && errno == EINTR) {
   }
   close(ends[0]);
   if (!why) return SC_OK;
   if (launcher > 0) waitpid(launcher, NULL, 0);
   launcher = 0;
   close(said[0]);
   return fail_to_start(why);
}

// Reads for so many milliseconds, or what there is. False where nothing comes any more.
static bool listen_to(ScNoise *noise, int errors, int milliseconds) {
   char bytes[4096];
   struct pollfd ready = {.fd = errors, .events = POLLIN};
   int found = poll(&ready, 1, milliseconds);
   if (found < 0) return errno == EINTR;
   if (found == 0) return sc_noise_flush(noise), true;
   ssize_t n = read(errors, bytes, sizeof bytes);
   if (n > 0) sc_noise_take(noise, bytes, (size_t)n);
   return n > 0 || (n < 0 && errno == EINTR);
}

// Whether mpirun has ended. It is forgotten before its number may become another's.
static ScStatus look(int *status, bool *ended) {
   siginfo_t found = {0};
   pid_t id = launcher;
   *ended = false;
   if (waitid(P_PID, (id_t)id, &found, WEXITED | WNOHANG | WNOWAIT) != 0)
      return errno == EINTR ? SC_OK : sc_fail(SC_EIO, "cannot wait for mpirun: %s", strerror(errno));
   if (found.si_pid == 0) return SC_OK;
   launcher = 0;
   *ended = true;
   if (waitpid(id, status, 0) == id) return SC_OK;
   return sc_fail(SC_EIO, "cannot tell how mpirun ended: %s", strerror(errno));
}

// mpirun passes on what it is told, to those that are there: before all of them are beyond their start a signal
// would be lost to some, and there is nothing yet that they could finish.
static void pass_on(const ScRanks *ranks) {
   static bool is_done;
   if (!asked || is_done) return;
   is_done = true;
   if (sc_ranks_handle(ranks, SC_ASKED_TO_END))
      tell_launcher(SC_ASKED_TO_END);
   else
      end_all();
}

// A process that outlives mpirun may hold the pipe: what counts is mpirun's own end.
static ScStatus wait_for_end(ScNoise *noise, ScRanks *ranks, int errors, int *status) {
   enum { LOOK = 200 };
   ScStatus looked = SC_OK;
   bool open = true, ended = false;
   while (!ended && looked == SC_OK) {
      if (open)
         open = listen_to(noise, errors, LOOK);
      else
         poll(NULL, 0, LOOK);
      hung = hung || sc_ranks_look(ranks, launcher) > PATIENCE;
      pass_on(ranks);
      if (hung || (is_over && now() - second_press > LAST_WORDS)) kill(launcher, SIGKILL);
      looked = look(status, &ended);
   }
   struct pollfd more = {.fd = errors, .events = POLLIN};
   while (open && poll(&more, 1, 0) > 0) open = listen_to(noise, errors, 0);
   sc_noise_flush(noise);
   return looked;
}

static void tell(const char *who, int signal) {
   const char *erase = isatty(STDERR_FILENO) && isatty(STDOUT_FILENO) ? "\r\033[K" : "";
   fprintf(stderr, "%sscute: %s was ended by signal %d (%s), and the others with it; %s\n", erase, who, signal,
           strsignal(signal), SC_GOES_ON);
}

// A process that ended by itself has said why. Of a start that was broken off mpirun may say nothing.
static void tell_end(const ScNoise *noise, const ScRanks *ranks, int code, bool by_signal) {
   char who[40];
   int rank = noise->rank, signal = noise->signal;
   if (asked || code == 0 || noise->said) return;
   if (noise->broken) {
      fprintf(stderr, "scute: cannot write to standard output\n");
      return;
   }
   if (by_signal && !hung) return tell("mpirun", code - 128);
   if (rank < 0) {
      bool is_signal = code > 128 && code <= 128 + SIGRTMAX;
      rank = ranks->gone;
      signal = ranks->signal || !is_signal ? ranks->signal : code - 128;
   }
   if (!signal && ranks->n == 0 && !ranks->blind) {
      fprintf(stderr, "scute: mpirun has started no process, and ended with code %d\n", code);
      return;
   }
   snprintf(who, sizeof who, rank < 0 ? "a process" : "rank %d", rank);
   if (signal) tell(who, signal);
}

static ScStatus run(int n, char **words, const char *program, int *code) {
   static ScNoise noise;
   static ScRanks ranks;
   sigset_t mask;
   int errors, status = 0;
   fflush(stdout);
   sc_orphans_come_here();
   sc_pass_on_prepare(&mask);
   ScStatus started = start(words, &mask, &errors);
   sc_pass_on(on_end, on_stop, &mask);
   if (started != SC_OK) return started;
   sc_noise_begin(&noise, STDERR_FILENO);
   sc_ranks_begin(&ranks, n);
   ScStatus waited = wait_for_end(&noise, &ranks, errors, &status);
   close(errors);
   if (waited != SC_OK) return waited;
   *code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
   if (noise.broken) *code = EXIT_FAILURE;
   if (*code) sc_orphans_kill(program);
   tell_end(&noise, &ranks, *code, WIFSIGNALED(status));
   if (*code && asked) *code = 128 + asked;
   return SC_OK;
}

// A run of an experiment (lua/scute/experiment/process.lua) ends with the process that has begun it.
static ScStatus end_with_experiment(void) {
   const char *parent = getenv("SCUTE_EXPERIMENT_PARENT");
   if (!getenv("SCUTE_EXPERIMENT") || !parent) return SC_OK;
   return sc_end_with_parent(strtol(parent, NULL, 10));
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

// Where processes are to be alone they would do all the work several times.
static ScStatus check_wish(void) {
   const char *wish = getenv("SCUTE_WORLD");
   if (!wish || strcmp(wish, "none") != 0) return SC_OK;
   return sc_fail(SC_EARG, "--nproc: SCUTE_WORLD=none keeps each process alone; leave one of them out");
}

// mpirun takes it for the end of one program's arguments.
static ScStatus check_arguments(char *const *arguments) {
   for (; *arguments; arguments++)
      if (strcmp(*arguments, ":") == 0)
         return sc_fail(SC_EARG, "--nproc: mpirun cannot pass on the argument ':'; write it otherwise");
   return SC_OK;
}

// mpirun waits for ever where its own files, which processes have in common, cannot be as large as they are.
static ScStatus check_file_size(void) {
   static const rlim_t LEAST = 4100 << 10;
   struct rlimit limit;
   if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= LEAST) return SC_OK;
   return sc_fail(SC_EIO,
                  "--nproc: a file may have %llu kB here (ulimit -f), and those that processes have in common "
                  "have over 4096; raise that, or start one process alone",
                  (unsigned long long)limit.rlim_cur >> 10);
}

// The part of a command that begins with the program.
static char *const *from_program(char **words, const char *program) {
   while (*words != program) words++;
   return words;
}

ScStatus sc_processes_run(int n, char *const *arguments, int *code) {
   char program[PATH_MAX], number[16];
   SC_TRY(check_wish());
   setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 0); // without one mpirun itself is found, and finds nothing
   SC_TRY(end_with_experiment());
   bool through_gpus = goes_through_gpus();
   if (!through_gpus) SC_TRY(sc_world_can_join());
   if (!through_gpus) SC_TRY(check_arguments(arguments));
   if (!through_gpus) SC_TRY(check_file_size());
   ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
   if (length < 0) return sc_fail(SC_EIO, "cannot tell where this program is: %s", strerror(errno));
   program[length] = 0;
   snprintf(number, sizeof number, "%d", n);
   share_cores(n);
   if (getenv("SCUTE_JOINED")) sc_launch_forget(); // this is a child of one that belongs to a group
   setenv("SCUTE_NPROC", number, 1);
   name_terminal();
   setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0); // who waits leaves the processor to others
   char **words = command(number, program, arguments);
   if (!words) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = through_gpus ? sc_members_run(n, from_program(words, program), SC_ASKED_TO_END, code)
                                  : run(n, words, program, code);
   free(words);
   return status;
}
