// What has started this process as one of several: mpirun and its like, which tell it by variables of the
// environment.
#ifndef SCUTE_LAUNCHER_H
#define SCUTE_LAUNCHER_H

#include <stdbool.h>

#include "host/core/status.h"

typedef struct {
   const char *variable; // by which it is known; NULL: nobody has
   int rank, size;       // size 0: only MPI knows
   bool by_scute;        // without MPI, see host/machine/members.h
} ScLaunch;

// What the environment says; SC_EARG where that is no sense. SCUTE_WORLD=none: nothing is looked at.
ScStatus sc_launch_find(ScLaunch *out);

// Joins the world (host/core/world.h) of a launcher that has started several processes, or, without one, a
// world of one through MPI where SCUTE_WORLD=mpi. *launched: whether a launcher has started this process, also
// as the only one.
ScStatus sc_launch_join(bool *launched);

// Whether an entry of the environment ("PMIX_RANK=0") is a launcher's word to this process alone: what it
// starts itself is none of the group.
bool sc_launch_is_private(const char *entry);

// Removes such entries from the environment of this process, which is about to become a launcher itself.
void sc_launch_forget(void);

// The terminal on which the standard output of the first process ends behind `scute --nproc`, to be asked for
// its size; -1 where there is none, and in the other processes. Call once this process has joined.
int sc_launch_terminal(void);

#endif
