// What joins processes (or devices) that compute one thing together: the seam at which transports come in. A
// transport is none (a process alone, host/core/world.c) or MPI (kernels/mpi, a plugin).
//
// Every member of a group makes the same calls in the same order, with the same counts; a call that one of them
// leaves out leaves the others waiting. Buffers are in the memory of the device that the communicator belongs
// to; the world's (host/core/world.h) in the host's.
#ifndef SCUTE_COMMUNICATOR_H
#define SCUTE_COMMUNICATOR_H

#include "host/core/api.h"
#include "host/core/dtype.h"
#include "host/core/status.h"

SC_API_BEGIN

typedef struct ScCommunicator {
   const char *transport; // "none", "mpi"
   int rank, size;        // number of this member, from 0, and how many there are
   // Each of n numbers (f32, f64 or i64) becomes the sum over the group, the same bits in every member.
   ScStatus (*all_reduce)(struct ScCommunicator *, ScDtype, int64_t n, void *data);
   // The root's bytes come to all.
   ScStatus (*broadcast)(struct ScCommunicator *, int root, size_t bytes, void *data);
   // As many bytes of each member come to the root, into `all`, in the order of ranks; elsewhere that is not
   // looked at.
   ScStatus (*gather)(struct ScCommunicator *, int root, size_t bytes, const void *mine, void *all);
   // Waits until all members are here, for so many seconds; 0: as long as it takes. SC_EIO where one did not
   // come: the group can only be aborted then.
   ScStatus (*barrier)(struct ScCommunicator *, double seconds);
   // Ends all processes of the group, this one too; the others may be in the middle of anything.
   void (*abort)(struct ScCommunicator *, int exit_code);
   void (*close)(struct ScCommunicator *); // leaves the group, as all members do, and frees this
} ScCommunicator;

SC_API_END

#endif
