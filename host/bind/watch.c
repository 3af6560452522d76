#include "host/bind/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/bind/bind.h"
#include "host/core/store.h"
#include "host/files/watched.h"
#include "host/machine/machine.h"
#include "host/term/signals.h"

enum { LOOK = 50 }; // milliseconds from one look to the next

static volatile sig_atomic_t asked, times; // the signal that ends the watching, and how often there was one

static void on_signal(int signal) {
   asked = signal;
   times++;
}

// ---- a run ----

static struct {
   char name[40];
   int number;
} watching; // which of whose runs this process is; number 0: nobody watches it

static void handle(int signal) {
   struct sigaction before, action = {.sa_handler = on_signal};
   sigemptyset(&action.sa_mask);
   if (sigaction(signal, NULL, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(signal, &action, NULL);
}

// What was ignored from the start stays so.
static void forget_handler(int number) {
   struct sigaction now;
   if (sigaction(number, NULL, &now) == 0 && now.sa_handler == on_signal) signal(number, SIG_DFL);
}

// Returns what was blocked before.
static sigset_t block_ours(void) {
   sigset_t ours, before;
   sigemptyset(&ours);
   sigaddset(&ours, SIGINT);
   sigaddset(&ours, SIGTERM);
   sigaddset(&ours, SC_SAVED);
   sigprocmask(SIG_BLOCK, &ours, &before);
   return before;
}

// A run that waits for somebody to type would neither hear of a save nor of Ctrl-C.
static void close_input(void) {
   int none = open("/dev/null", O_RDONLY);
   if (none < 0) return;
   dup2(none, STDIN_FILENO);
   if (none != STDIN_FILENO) close(none);
}

// A process of its own, so that each begins as a program that was just started, however the last one ended. Our
// signals are blocked, and `after` is what will be instead: in the run SC_SAVED stays so until it is handled
// there. Returns 0 in the run.
static pid_t begin(ScWatched *files, sigset_t *after) {
   watching.number++;
   pid_t parent = getpid(), run = fork();
   if (run == 0) {
      forget_handler(SIGINT);
      forget_handler(SIGTERM);
      prctl(PR_SET_PDEATHSIG, SIGTERM); // nobody would read what it says
      if (getppid() != parent) _exit(128 + SIGTERM);
      close_input();
      sc_watched_tell(files);
      sc_interrupt_on_save();
      sigaddset(after, SC_SAVED);
   }
   return run;
}

// ---- what the user sees ----

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
   va_list values;
   va_start(values, format);
   fputs("scute: ", stderr);
   vfprintf(stderr, format, values);
   va_end(values);
   putc('\n', stderr);
}

// As the user knows it, where it lies below the folder that all this began in.
static const char *short_name(const char *path) {
   char here[PATH_MAX];
   size_t length = getcwd(here, sizeof here) ? strlen(here) : 0;
   bool below = length > 1 && strncmp(path, here, length) == 0 && path[length] == '/';
   return below ? path + length + 1 : path;
}

static void tell_waiting(const char *script, int status) {
   if (WIFSIGNALED(status)) say("the run was ended by a signal (%s)", strsignal(WTERMSIG(status)));
   if (WIFEXITED(status) && WEXITSTATUS(status) > 1) say("the run ended with status %d", WEXITSTATUS(status));
   say("waiting for a save of %s", script);
}

// ---- watching ----

// An editor may have written half of it.
static bool compiles(const char *path) {
   lua_State *L = luaL_newstate();
   if (!L) return true;
   bool whole = luaL_loadfilex(L, path, "t") == LUA_OK;
   lua_close(L);
   return whole;
}

typedef struct {
   const char *script;
   ScWatched *files;
   pid_t run;        // 0: none is going on
   int passed;       // signals that it was told of
   char saved[4096]; // what was saved since it began, "" as long as nothing was
} Watch;

// A run that is going on hears of every signal, and the second one counts for it as it does alone. From a
// terminal it has heard of it already, and takes both for one.
static void pass_on(Watch *watch) {
   int now = times;
   if (watch->passed == now) return;
   watch->passed = now;
   if (watch->run) kill(watch->run, asked);
}

static void look_for_saves(Watch *watch) {
   const char *path = sc_watched_saved(watch->files, compiles);
   if (!path || watch->saved[0]) return;
   snprintf(watch->saved, sizeof watch->saved, "%s", path);
   if (watch->run) kill(watch->run, SC_SAVED);
}

static void look_for_end(Watch *watch) {
   int status = 0;
   if (!watch->run || waitpid(watch->run, &status, WNOHANG) != watch->run) return;
   watch->run = 0;
   if (!watch->saved[0] && !asked) tell_waiting(watch->script, status);
}

// Until the run has ended and there is a reason for another one, or a signal ends it all. Returns whether to
// run again.
static bool wait_for_save(Watch *watch) {
   while (watch->run || (!asked && !watch->saved[0])) {
      if (sc_watched_wait(watch->files, LOOK) != SC_OK) return say("%s", sc_error()), false;
      pass_on(watch);
      look_for_saves(watch);
      look_for_end(watch);
   }
   if (!asked) say("%s was saved", short_name(watch->saved));
   return !asked;
}

// A signal ends it all before the run begins, or is passed on to it. Returns false where there is no run.
static bool start(Watch *watch) {
   sc_watched_wait(watch->files, 0); // what the run before has noted at its end
   sc_watched_clear(watch->files);
   if (sc_watched_add(watch->files, watch->script) != SC_OK) return say("%s", sc_error()), false;
   watch->saved[0] = '\0';
   sigset_t before = block_ours();
   bool goes_on = !asked;
   watch->passed = times;
   if (goes_on) watch->run = begin(watch->files, &before);
   sigprocmask(SIG_SETMASK, &before, NULL);
   if (watch->run < 0) say("cannot start a process: %s", strerror(errno));
   return goes_on && watch->run >= 0;
}

// ---- what Lua sees ----

// scute.watched() -> a text that only runs of one --watch share, and the number of this run among them; nil
// where none watches
static int watched(lua_State *L) {
   if (watching.number == 0) return 0;
   lua_pushstring(L, watching.name);
   lua_pushinteger(L, watching.number);
   return 2;
}

static void open_watch(lua_State *L) {
   lua_pushcfunction(L, watched);
   lua_setfield(L, -2, "watched");
}
SC_OPENER(open_watch)

// ---- the program ----

// What runs leave for the next one takes at most a quarter of the memory that is free now.
static void open_store(void) {
   size_t available = sc_available_memory();
   sc_store_open(available ? available / 4 : (size_t)1 << 30);
}

bool sc_watch(const char *script, int *code) {
   Watch watch = {.script = script};
   *code = EXIT_FAILURE;
   ScStatus status = sc_watched_new(&watch.files);
   if (status != SC_OK) return say("%s", sc_error()), true;
   snprintf(watching.name, sizeof watching.name, "%ld.%lld", (long)getpid(), (long long)time(NULL));
   open_store();
   fflush(stdout);
   handle(SIGINT);
   handle(SIGTERM);
   while (start(&watch)) {
      if (watch.run == 0) return false;
      if (!wait_for_save(&watch)) break;
      sc_store_next_run();
   }
   if (asked) *code = 128 + asked;
   sc_watched_free(watch.files);
   return true;
}
