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

// Returns 0, or the errno that says why there is no status.
static int wait_for(pid_t child, int *status) {
   while (waitpid(child, status, 0) < 0)
      if (errno != EINTR) return errno;
   return 0;
}

ScStatus sc_shell_run(const char *command, ScShellEnd *end) {
   struct termios before;
   bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
   struct sigaction ignore = {.sa_handler = SIG_IGN}, tell = {.sa_handler = SIG_DFL}, interrupt, quit, ended;
   sigemptyset(&ignore.sa_mask);
   sigemptyset(&tell.sa_mask);
   sigaction(SIGINT, &ignore, &interrupt);
   sigaction(SIGQUIT, &ignore, &quit);
   sigaction(SIGCHLD, &tell,
             &ended); // one that is ignored, as our parent may have it, hides how the command ended
   pid_t child;
   int status = 0, failed = spawn(command, &child);
   if (!failed) failed = wait_for(child, &status);
   sigaction(SIGINT, &interrupt, NULL);
   sigaction(SIGQUIT, &quit, NULL);
   sigaction(SIGCHLD, &ended, NULL);
   if (terminal) tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
   if (failed) return sc_fail(SC_EIO, "cannot run the shell: %s", strerror(failed));
   *end = WIFSIGNALED(status) ? (ScShellEnd){.signal = WTERMSIG(status)}
                              : (ScShellEnd){.exit_code = WEXITSTATUS(status)};
   return SC_OK;
}
