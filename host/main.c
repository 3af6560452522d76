// scute: runs a Lua script, a line of code, or a session at the prompt.
#include <ctype.h>
#include <omp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/bind/interrupt.h"
#include "host/bind/program.h"
#include "host/bind/run.h"
#include "host/bind/watch.h"
#include "host/bind/world.h"
#include "host/machine/hosts.h"
#include "host/machine/launcher.h"
#include "host/machine/machine.h"
#include "host/machine/processes.h"
#include "host/machine/waiting.h"
#include "host/term/lineedit.h"
#include "host/term/signals.h"
#include "host/core/device.h"
#include "host/core/meter.h"
#include "host/core/suggest.h"
#include "host/core/version.h"
#include "host/core/world.h"

enum { EXIT_USAGE = 2, MOST_PROCESSES = 1024 };

static const char USAGE[] =
    "usage: scute [options] [file.lua [arguments]]\n"
    "\n"
    "Runs a Lua 5.4 script with tensors, gradients, pretrained networks and optimizers at hand:\n"
    "require \"scute\" gives them. Without a file and without -e a session starts, in which help() helps.\n"
    "\n"
    "  file.lua [args]  run the script; its arguments are in the table 'arg' and in '...'\n"
    "  -                run standard input as a script\n"
    "  -l FILE          run a file first, as one that registers a network of yours (may be repeated)\n"
    "  -e CODE          run a line of code (may be repeated); 'scute' is loaded\n"
    "  -i               start a session after that; 'scute' is loaded, and what the file calls local is there\n"
    "  --watch          run the file again whenever it, or a file that it requires, is saved\n"
    "  --nproc N        run N processes of this machine, which share the work of training (needs mpirun,\n"
    "                   or without it a GPU for each)\n"
    "  --profile        tell at the end where the time went, and write trace.json (--profile=FILE: there)\n"
    "  --check          tell what is wrong in the files, with file:line:column, without running them\n"
    "  --init DIR       make a folder for a project: a script to start from, settings for editors\n"
    "  -h, --help       show this\n"
    "  -v, --version    show versions and the number of threads\n"
    "  --               end of options\n"
    "\n"
    "environment:\n"
    "  SCUTE_THREADS      number of compute threads (default: the physical cores that may be used)\n"
    "  SCUTE_WORLD        none: a launcher (mpirun) is not looked at; mpi: join through MPI without one, too;\n"
    "                     nccl: --nproc joins processes through their GPUs alone\n"
    "  SCUTE_NCCL_TIMEOUT seconds after which a GPU gives up other processes' GPUs (default: 600)\n"
    "  SCUTE_TRACEBACK    1: every error comes with a traceback, with all frames of the library\n"
    "  SCUTE_CACHE        folder of downloaded weights (default: ~/.cache/scute/weights)\n"
    "  SCUTE_CC           C compiler of scute.kernel (default: scute's own); what it makes is kept in\n"
    "                     kernels in SCUTE_CACHE (default: ~/.cache/scute/kernels)\n"
    "  SCUTE_WEIGHTS_URL  where they are downloaded from; SCUTE_NET_TIMEOUT: seconds until that is given up\n"
    "  SCUTE_WEIGHTS_SHA256  all 64 digits of such a file, which http:// needs\n"
    "  SCUTE_PLUGINS      folder of scute_cuda.so and scute_mpi.so\n"
    "  SCUTE_CUDA_SYNC    warn: tells each wait for a GPU\n"
    "  SCUTE_CUDA_CACHE   file of timed GPU algorithms (default: ~/.cache/scute/convolutions; empty: none)\n"
    "  NO_COLOR           set: the session has no colours\n"
    "  PAGER              what shows long texts of help (default: less)\n"
    "\n"
    "files:\n"
    "  ~/.config/scute/init.lua      run as a session at a terminal begins; or "
    "$XDG_CONFIG_HOME/scute/init.lua\n"
    "  ~/.local/state/scute/history  what was typed; or $XDG_STATE_HOME/scute/history\n"
    "\n"
    "exit codes: 0 done, 1 an error (script, data, disk, network), 2 a wrong command line, 130 Ctrl-C, 143 "
    "SIGTERM\n"
    "\n"
    "An example: scute scripts/transfer_learning.lua --help (scripts/ and examples/ are found from any "
    "folder)\n";

typedef struct {
   bool help, version, session, watch, check;
   const char *profile; // of --profile: where the trace goes, "": that is to be chosen; NULL: there is none
   int codes;           // number of -e
   int processes;       // of --nproc; 0: it is not given
   int script;          // index of the file in argv, argc if there is none
   const char *project; // of --init
} Options;

static int complain(const char *option) {
   static const char *const known[] = {"--help",  "--version", "--watch", "--check", "--init", "--profile",
                                       "--nproc", "-l",        "-e",      "-i",      "-h",     "-v"};
   int near = sc_nearest(option, sizeof known / sizeof known[0], known);
   fprintf(stderr, "scute: unknown option '%s'%s%s%s; 'scute --help' lists them\n", option,
           near < 0 ? "" : " (did you mean '", near < 0 ? "" : known[near], near < 0 ? "" : "'?)");
   return EXIT_USAGE;
}

// Of --nproc: the number behind it. Returns 0, or the exit code after a message.
static int read_processes(const char *text, int *out) {
   char *end;
   if (*out) return fprintf(stderr, "scute: --nproc is given twice\n"), EXIT_USAGE;
   long n = text ? strtol(text, &end, 10) : 0;
   if (!text || !isdigit((unsigned char)*text) || *end || n < 1 || n > MOST_PROCESSES)
      return fprintf(stderr, "scute: --nproc: expected a number of processes from 1 to %d, found %s%.40s%s\n",
                     MOST_PROCESSES, text ? "'" : "nothing", text ? text : "", text ? "'" : ""),
             EXIT_USAGE;
   *out = (int)n;
   return 0;
}

// What one process does alone, and why.
static const char OF_ONE[] =
    "runs a file or -e CODE, and goes with no session, script from standard input ('-'), "
    "--watch, --check or --init";

static bool is_of_one(const Options *options, int argc, char **argv) {
   bool input = options->script < argc && strcmp(argv[options->script], "-") == 0;
   return options->session || options->watch || options->check || options->project || input ||
          (options->script == argc && !options->codes);
}

// Returns 0, or the exit code after a message.
static int parse(int argc, char **argv, Options *options) {
   *options = (Options){0};
   int i = 1;
   for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
      const char *option = argv[i];
      if (strcmp(option, "--") == 0) {
         i++;
         break;
      }
      if (strcmp(option, "-h") == 0 || strcmp(option, "--help") == 0)
         options->help = true;
      else if (strcmp(option, "-v") == 0 || strcmp(option, "--version") == 0)
         options->version = true;
      else if (strcmp(option, "-i") == 0)
         options->session = true;
      else if (strcmp(option, "--watch") == 0)
         options->watch = true;
      else if (strcmp(option, "--profile") == 0 || strncmp(option, "--profile=", 10) == 0) {
         if (options->profile) return fprintf(stderr, "scute: --profile is given twice\n"), EXIT_USAGE;
         options->profile = option[9] ? option + 10 : "";
      } else if (strcmp(option, "--nproc") == 0 || strncmp(option, "--nproc=", 8) == 0) {
         bool behind = option[7] == 0;
         int code = read_processes(behind ? argv[i + 1] : option + 8, &options->processes);
         if (code) return code;
         i += behind;
      } else if (strcmp(option, "--check") == 0)
         options->check = true;
      else if (strcmp(option, "-e") == 0 && i + 1 < argc)
         options->codes++, i++;
      else if (strcmp(option, "-l") == 0 && i + 1 < argc)
         i++;
      else if (strcmp(option, "-l") == 0)
         return fprintf(stderr, "scute: -l needs the name of a file\n"), EXIT_USAGE;
      else if (strcmp(option, "-e") == 0)
         return fprintf(stderr, "scute: -e needs a line of code\n"), EXIT_USAGE;
      else if (strcmp(option, "--init") == 0 && i + 1 < argc && argv[i + 1][0] != '-')
         options->project = argv[++i];
      else if (strcmp(option, "--init") == 0)
         return fprintf(stderr, "scute: --init needs the name of a folder\n"), EXIT_USAGE;
      else
         return complain(option);
   }
   options->script = i;
   if (options->help || options->version) return 0;
   if (options->watch && (i == argc || strcmp(argv[i], "-") == 0 || options->session))
      return fprintf(stderr, "scute: --watch needs a file, and no session\n"), EXIT_USAGE;
   if (options->processes && is_of_one(options, argc, argv))
      return fprintf(stderr, "scute: --nproc %s\n", OF_ONE), EXIT_USAGE;
   bool alone =
       !options->codes && !options->session && !options->watch && !options->project && !options->profile;
   if (options->check && (!alone || i == argc))
      return fprintf(stderr, "scute: --check needs files, and no other option but -l\n"), EXIT_USAGE;
   if (options->project && argc != 3) return fprintf(stderr, "scute: --init DIR stands alone\n"), EXIT_USAGE;
   if (options->codes == 0 && i == argc) options->session = true;
   return 0;
}

static int run_line(lua_State *L, const char *line) {
   return sc_run_code(L, line, "=(command line)");
}

// Hands what follows each `option` before the script to `f`, until one fails.
static int run_each(lua_State *L, char **argv, int script, const char *option,
                    int (*f)(lua_State *, const char *)) {
   int code = 0;
   for (int i = 1; i < script && code == 0; i++) {
      bool has_value = strcmp(argv[i], "-e") == 0 || strcmp(argv[i], "-l") == 0;
      if (strcmp(argv[i], option) == 0) code = f(L, argv[i + 1]);
      if (has_value) i++;
   }
   return code;
}

// Ctrl-C ends a script; who sits at a terminal gets the session all the same.
static bool goes_on(void) {
   int signal = sc_interrupted();
   if (signal == SIGTERM || (signal && !sc_line_at_terminal())) return false;
   if (signal) sc_interrupt_reset();
   return true;
}

static int run(lua_State *L, int argc, char **argv, const Options *options) {
   if (options->project) return sc_run_module(L, "scute.editor.new_project", options->project);
   int code = 0, script = options->script;
   if (options->codes > 0 || options->session) code = sc_run_preload(L);
   if (code == 0 && options->profile) code = sc_run_module(L, "scute.profile.program", options->profile);
   if (code == 0) code = run_each(L, argv, script, "-l", sc_run_load);
   if (code == 0 && options->check) return sc_run_module(L, "scute.check.run", argv[script]);
   if (code == 0) code = run_each(L, argv, script, "-e", run_line);
   if (code == 0 && script < argc)
      code = sc_run_file(L, argv[script], argc - script - 1, argv + script + 1, options->session);
   if (!options->session || !goes_on()) return code;
   return code == 0 || script < argc ? sc_run_session(L, "scute.repl.loop") : code;
}

static void print_versions(void) {
   int threads = omp_get_max_threads();
   printf("scute %s (%s, %s, %d thread%s)\n", SC_VERSION, LUA_RELEASE, sc_device_cpu()->backend->library(),
          threads, threads == 1 ? "" : "s");
}

// ---- several processes ----

static int complain_of(ScStatus status) {
   fprintf(stderr, "scute: %s\n", sc_error());
   return status == SC_EARG ? EXIT_USAGE : EXIT_FAILURE;
}

// The command line of each process: without --nproc, and with what followed the program's name.
static int start_processes(const Options *options, int argc, char **argv) {
   ScLaunch launch;
   ScStatus status = sc_launch_find(&launch);
   if (status == SC_OK && launch.variable)
      status =
          sc_fail(SC_EARG, "--nproc: this is one of several processes already (%s is set)", launch.variable);
   if (status != SC_OK) return complain_of(status);
   char **words = calloc((size_t)argc, sizeof *words);
   if (!words) return fprintf(stderr, "scute: out of memory\n"), EXIT_FAILURE;
   for (int i = 1, n = 0; i < argc; i++) {
      bool is_option = i < options->script, has_value = strcmp(argv[i], "--nproc") == 0;
      if (is_option && (has_value || strncmp(argv[i], "--nproc=", 8) == 0)) {
         i += has_value;
         continue;
      }
      words[n++] = argv[i];
      bool takes_next = strcmp(argv[i], "-e") == 0 || strcmp(argv[i], "-l") == 0;
      if (is_option && takes_next) words[n++] = argv[++i];
   }
   int code = EXIT_FAILURE;
   status = sc_processes_run(options->processes, words, &code);
   free(words);
   return status == SC_OK ? code : complain_of(status);
}

// The first of several processes speaks; the others leave it time to.
static bool is_first(const ScLaunch *launch) {
   if (launch->rank > 0) nanosleep(&(struct timespec){.tv_sec = 3}, NULL);
   return launch->rank == 0;
}

// Returns 0, or the exit code after a message: of several processes of a launcher that would do what one does.
static int check_launch(const Options *options, int argc, char **argv) {
   ScLaunch launch;
   if (sc_launch_find(&launch) != SC_OK || launch.size < 2 || !is_of_one(options, argc, argv)) return 0;
   if (is_first(&launch))
      fprintf(stderr,
              "scute: one of several processes (%s is set) %s; SCUTE_WORLD=none passes over the launcher\n",
              launch.variable, OF_ONE);
   return EXIT_USAGE;
}

static int print_usage(void) {
   ScLaunch launch;
   if (sc_launch_find(&launch) != SC_OK || launch.rank == 0) fputs(USAGE, stdout);
   return sc_program_close(NULL, 0);
}

// What a launcher says of this process, and the group it is in.
static ScStatus join(void) {
   bool launched;
   SC_TRY(sc_launch_join(&launched));
   SC_TRY(sc_hosts_compare());
   sc_world_set_launched(launched);
   struct sigaction action = {.sa_handler = sc_world_goes_on, .sa_flags = SA_RESTART};
   if (sc_world()->size > 1) sigaction(SIGCONT, &action, NULL);
   if (launched) sc_interrupt_also(SC_ASKED_TO_END);
   if (launched && getenv("SCUTE_NPROC")) sc_interrupt_term_ends();
   return SC_OK;
}

// Before there is a program that could end: the others are not to wait for it.
static int leave(int code) {
   sc_world_leave(code, false);
   return code;
}

int main(int argc, char **argv) {
   sc_calm_waiting(argv);
   Options options;
   int code = parse(argc, argv, &options);
   if (code != 0) return code;
   if (options.help) return print_usage();
   if (options.processes > 1 && !options.version) return start_processes(&options, argc, argv);
   if (!options.version && (code = check_launch(&options, argc, argv)) != 0) return code;
   if (options.watch && !options.version && sc_watch(argv[options.script], &code)) return code;
   sc_set_memory_meter(sc_memory_left);
   ScStatus started = sc_set_default_threads();
   if (started != SC_OK) return complain_of(started);
   if (options.version) return print_versions(), sc_program_close(NULL, 0);
   if ((started = join()) != SC_OK) return leave(complain_of(started));
   lua_State *L = sc_program_open(argc, argv, options.script);
   if (!L) return leave(complain_of(SC_EMEM));
   return sc_program_close(L, run(L, argc, argv, &options));
}
