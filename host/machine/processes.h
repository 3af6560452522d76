// This program as several processes of one machine, which compute one thing together.
#ifndef SCUTE_PROCESSES_H
#define SCUTE_PROCESSES_H

#include "host/core/status.h"

// What mpirun passes on to the processes at once, and what they take for Ctrl-C (see host/term/signals.h): upon
// SIGINT and SIGTERM themselves it ends them within a second or two, whatever they are writing.
#define SC_ASKED_TO_END SIGUSR2

// Starts this program `n` times through mpirun, or without MPI where each has a GPU (host/machine/members.h),
// with those arguments (ended by NULL, without the program's name) and the cores shared out among their
// threads, and waits for the end. The first Ctrl-C or SIGTERM asks all of them to end, the second ends them.
// *code: mpirun's exit code, or 128 + the signal.
ScStatus sc_processes_run(int n, char *const *arguments, int *code);

#endif
