#define _GNU_SOURCE // environ
#include "host/machine/launcher.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/core/world.h"

// Of scute without MPI; of Open MPI's mpirun; of MPICH's and of srun; of what speaks PMIx, srun too.
static const struct {
   const char *size, *rank;
} known[] = {{"SCUTE_WORLD_SIZE", "SCUTE_WORLD_RANK"},
             {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
             {"PMI_SIZE", "PMI_RANK"},
             {NULL, "PMIX_RANK"}};

enum { BY_SCUTE, KNOWN = sizeof known / sizeof known[0], MOST = 1 << 20 };

static const char *value_of(const char *variable) {
   const char *value = variable ? getenv(variable) : NULL;
   return value && *value ? value : NULL;
}

// Which world is asked for: "none", "mpi", "nccl" (of --nproc alone), or NULL, where a launcher decides.
static ScStatus read_wish(const char **wish) {
   *wish = value_of("SCUTE_WORLD");
   if (!*wish || strcmp(*wish, "none") == 0 || strcmp(*wish, "mpi") == 0 || strcmp(*wish, "nccl") == 0)
      return SC_OK;
   return sc_fail(SC_EARG, "SCUTE_WORLD: expected mpi, nccl or none, found '%.40s'", *wish);
}

static ScStatus read_number(const char *variable, int least, int *out) {
   const char *text = value_of(variable);
   if (!text)
      return sc_fail(
          SC_EARG,
          "the environment has half of what a launcher says: %s is not set; SCUTE_WORLD=none passes over it",
          variable);
   char *end;
   long n = strtol(text, &end, 10);
   if (*end || n < least || n > MOST)
      return sc_fail(SC_EARG, "%s: expected a number of at least %d, found '%.40s'", variable, least, text);
   *out = (int)n;
   return SC_OK;
}

static ScStatus read_launch(const char *size, const char *rank, ScLaunch *out) {
   out->variable = size ? size : rank;
   if (size) SC_TRY(read_number(size, 1, &out->size));
   SC_TRY(read_number(rank, 0, &out->rank));
   if (!size || out->rank < out->size) return SC_OK;
   return sc_fail(SC_EARG, "%s: expected a number below %s, which is %d, found %d", rank, size, out->size,
                  out->rank);
}

// What a process of a group starts itself has the launcher's words in its environment too, and is none of the
// group.
static bool is_of_another(void) {
   const char *joined = value_of("SCUTE_JOINED");
   return joined && strtol(joined, NULL, 10) != (long)getpid();
}

ScStatus sc_launch_find(ScLaunch *out) {
   const char *wish;
   *out = (ScLaunch){0};
   SC_TRY(read_wish(&wish));
   if ((wish && strcmp(wish, "none") == 0) || is_of_another()) return SC_OK;
   for (int i = 0; i < KNOWN; i++)
      if (value_of(known[i].size ? known[i].size : known[i].rank)) {
         out->by_scute = i == BY_SCUTE;
         return read_launch(known[i].size, known[i].rank, out);
      }
   return SC_OK;
}

// Leftovers of a launcher are no group, and one of another MPI starts several processes that are each alone.
static ScStatus compare(const ScLaunch *launch) {
   const ScCommunicator *world = sc_world();
   if (launch->size == 0 || (world->size == launch->size && world->rank == launch->rank)) return SC_OK;
   return sc_fail(
       SC_EUNSUPPORTED,
       "%s says that this is process %d of %d, and MPI that it is process %d of %d: the launcher is "
       "of another MPI than scute's, or the variable was left by one; SCUTE_WORLD=none passes over it",
       launch->variable, launch->rank, launch->size, world->rank, world->size);
}

// Open MPI's launcher has a folder for as long as it runs. Without it MPI would end this process, in many
// words.
static ScStatus check_launcher(const ScLaunch *launch) {
   const char *folder = value_of("PMIX_SERVER_TMPDIR");
   if (!folder || launch->by_scute || access(folder, F_OK) == 0) return SC_OK;
   return sc_fail(
       SC_EUNSUPPORTED,
       "%s is set, but the launcher that has set it is gone (there is no %s): this shell was started by "
       "one, or has its variables; SCUTE_WORLD=none passes over them, SCUTE_WORLD=mpi asks MPI all the same",
       launch->variable, folder);
}

// What all of them lack, one says.
static ScStatus join_gpus(const ScLaunch *launch) {
   ScStatus status = sc_world_join_gpus();
   if (status == SC_OK) return SC_OK;
   if (launch->rank > 0) nanosleep(&(struct timespec){.tv_sec = 3}, NULL);
   return sc_wrap(status,
                  "without MPI (Debian: apt install openmpi-bin libopenmpi-dev) processes are joined through "
                  "their GPUs: ");
}

ScStatus sc_launch_join(bool *launched) {
   ScLaunch launch;
   SC_TRY(sc_launch_find(&launch));
   *launched = launch.variable != NULL;
   const char *wish = value_of("SCUTE_WORLD");
   bool is_wanted = wish && strcmp(wish, "mpi") == 0;
   if (!is_wanted && (!*launched || launch.size == 1)) return SC_OK;
   if (!is_wanted) SC_TRY(check_launcher(&launch));
   ScStatus status = launch.by_scute ? join_gpus(&launch) : sc_world_join();
   char own[24];
   snprintf(own, sizeof own, "%ld", (long)getpid());
   setenv("SCUTE_JOINED", own, 1);
   if (status != SC_OK && launch.size > 0)
      return sc_wrap(status, "this is process %d of %d (%s): ", launch.rank, launch.size, launch.variable);
   return status == SC_OK ? compare(&launch) : status;
}

bool sc_launch_is_private(const char *entry) {
   static const char *const begins[] = {"OMPI_COMM_WORLD_",
                                        "OMPI_UNIVERSE_SIZE=",
                                        "OMPI_COMMAND=",
                                        "OMPI_ARGV=",
                                        "OMPI_NUM_APP_CTX=",
                                        "OMPI_FIRST_RANKS=",
                                        "OMPI_APP_CTX_NUM_PROCS=",
                                        "OMPI_FILE_LOCATION=",
                                        "OMPI_MCA_ess",
                                        "OMPI_MCA_orte_",
                                        "OMPI_MCA_pmix=",
                                        "OMPI_MCA_initial_wdir=",
                                        "PMI_",
                                        "PMIX_",
                                        "SCUTE_TERMINAL=",
                                        "SCUTE_JOINED=",
                                        "SCUTE_NPROC=",
                                        "SCUTE_WORLD_"};
   for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
      if (strncmp(entry, begins[i], strlen(begins[i])) == 0) return true;
   return false;
}

void sc_launch_forget(void) {
   char **kept = environ;
   for (char **entry = environ; *entry; entry++)
      if (!sc_launch_is_private(*entry)) *kept++ = *entry;
   *kept = NULL;
}

int sc_launch_terminal(void) {
   static int terminal = -2; // not looked for yet
   if (terminal != -2) return terminal;
   const char *name = value_of("SCUTE_TERMINAL");
   terminal =
       name && !is_of_another() && sc_world()->rank == 0 ? open(name, O_RDONLY | O_NOCTTY | O_CLOEXEC) : -1;
   if (terminal >= 0 && !isatty(terminal)) close(terminal), terminal = -1;
   return terminal;
}
