#define _GNU_SOURCE
#include "host/term/shell.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

extern char **environ;

static const int theirs[] = {SIGINT, SIGQUIT, SIGPIPE, SIGXFSZ};
enum { NTHEIRS = sizeof theirs / sizeof theirs[0] };

// What system() does, but the command has no signal ignored that is ignored here.
static int spawn(const char *command, pid_t *child) {
   char *const words[] = {"sh", "-c", "--", (char *)command, NULL};
   sigset_t defaults;
   sigemptyset(&defaults);
   for (int i = 0; i < NTHEIRS; i++) sigaddset(&defaults, theirs[i]);
   posix_spawnattr_t how;
   int failed = posix_spawnattr_init(&how);
   if (failed) return failed;
   posix_spawnattr_setsigdefault(&how, &defaults);
   posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGDEF);
   failed = posix_spawn(child, "/bin/sh", NULL, &how, words, environ);
   posix_spawnattr_destroy(&how);
   return failed;
}

static int wait_for(pid_t child) {
   int status = 0;
   while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
   return status;
}

ScStatus sc_shell_run(const char *command, ScShellEnd *end) {
   struct termios before;
   bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
   struct sigaction ignore = {.sa_handler = SIG_IGN}, interrupt, quit;
   sigemptyset(&ignore.sa_mask);
   sigaction(SIGINT, &ignore, &interrupt);
   sigaction(SIGQUIT, &ignore, &quit);
   pid_t child;
   int failed = spawn(command, &child);
   int status = failed ? 0 : wait_for(child);
   sigaction(SIGINT, &interrupt, NULL);
   sigaction(SIGQUIT, &quit, NULL);
   if (terminal) tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
   if (failed) return sc_fail(SC_EIO, "cannot run the shell: %s", strerror(failed));
   *end = WIFSIGNALED(status) ? (ScShellEnd){.signal = WTERMSIG(status)}
                              : (ScShellEnd){.exit_code = WEXITSTATUS(status)};
   return SC_OK;
}
