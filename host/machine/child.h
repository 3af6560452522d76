// Processes that this one starts and waits for.
#ifndef SCUTE_CHILD_H
#define SCUTE_CHILD_H

#include <stdbool.h>

#include "host/core/status.h"

typedef struct {
   const char *const *words; // the program, looked for as a shell does, and its arguments; NULL at the end
   const char *const
       *additions;              // "NAME=value" each, in the place of what this environment has; NULL at the end
   const char *output, *errors; // files to which what it says is added
   const char *folder;          // in which it begins; NULL: this one's
} ScChildCommand;

// How a process ended: its exit code, or the signal that ended it.
typedef struct {
   int exit_code, signal; // signal: 0 where it ended by itself
} ScChildEnd;

// Starts a process that has no input, no open file of this one's and no signal blocked. With what it starts
// itself it is a group of its own: what the keyboard of a terminal says reaches this process alone, which
// passes it on. Ctrl-Z (SIGTSTP) stops them too for as long as it stops this process.
ScStatus sc_child_start(const ScChildCommand *, long *id);

// Waits until one of `n` children has ended, for so many seconds at most; a signal that this process handles
// ends the waiting too. Each end is told once. *which: its place in the list, -1 where none has ended. Notices
// an end within 20 milliseconds. Where one did not end well (not with 0), what it has left running is killed.
ScStatus sc_child_wait(int n, const long *ids, double seconds, int *which, ScChildEnd *);

// Sends a signal to a child whose end was not told yet, and to all that it has started.
ScStatus sc_child_signal(long id, int signal);

#endif
