// Processes that scute starts itself, where MPI is not there to do it and each has a GPU: NCCL joins them
// (kernels/cuda/world.c), whose id goes through a pipe.
#ifndef SCUTE_MEMBERS_H
#define SCUTE_MEMBERS_H

#include "host/core/status.h"

// What is said where a process was killed, so that nobody takes the work for lost.
#define SC_GOES_ON "a training run goes on from its last checkpoint with --resume auto"

// Starts a program `n` times with those arguments (ended by NULL, the program's name first) and waits for the
// end. What one of them is comes to it by the environment: SCUTE_WORLD_RANK, SCUTE_WORLD_SIZE and
// SCUTE_WORLD_PIPE, the ends of the pipe. The first Ctrl-C or SIGTERM is passed on to all of them as `asking`,
// the second ends them. Where one of them fails the others are ended. *code: that of the first that failed, or
// 128 + the signal.
ScStatus sc_members_run(int n, char *const *arguments, int asking, int *code);

#endif
