// Commands of the shell that are run from the prompt.
#ifndef SCUTE_SHELL_H
#define SCUTE_SHELL_H

#include "host/core/status.h"

// How a command ended: its exit code, or the signal that ended it.
typedef struct {
   int exit_code, signal; // signal: 0 where it ended by itself
} ScShellEnd;

// Runs a command of /bin/sh and waits for it. Signals of the keyboard (Ctrl-C, Ctrl-\) mean the command alone,
// which has them and SIGPIPE as any program does; afterwards the terminal is as it was before.
ScStatus sc_shell_run(const char *command, ScShellEnd *end);

#endif
