// What joins processes (or devices) that compute one thing together: the seam at which transports come in. A
// transport is none (a process alone, host/core/world.c) or MPI (kernels/mpi, a plugin).
//
// Every member of a group makes the same calls in the same order, with the same counts; a call that one of them
// leaves out leaves the others waiting. Buffers are in the memory of the device that the communicator belongs
// to; the world's (host/core/world.h) in the host's. Sums that are begun have an order of their own: other
// calls may come between them, at other places in each member.
#ifndef SCUTE_COMMUNICATOR_H
#define SCUTE_COMMUNICATOR_H

#include <stdbool.h>

#include "host/core/api.h"
#include "host/core/dtype.h"
#include "host/core/status.h"

SC_API_BEGIN

struct ScDevice;
typedef struct ScPending ScPending; // a sum that is under way; each transport has its own

// Bytes of what a process says of a call that all have to make; longer texts are told apart by their beginning.
enum { SC_WORLD_TEXT = 192 };
typedef char ScWorldText[SC_WORLD_TEXT];

typedef struct ScCommunicator {
   const char *transport;   // "none", "mpi", "nccl"
   int rank, size;          // number of this member, from 0, and how many there are
   struct ScDevice *device; // whose memory buffers are in; NULL: the host's
   // Each of n numbers (f32, f64 or i64) becomes the sum over the group, the same bits in every member.
   ScStatus (*all_reduce)(struct ScCommunicator *, ScDtype, int64_t n, void *data);
   // Begins what all_reduce does and returns at once. `data` is the transport's until `finish`, which each
   // begun sum needs, in the order in which they were begun. On failure there is nothing to finish.
   ScStatus (*begin_all_reduce)(struct ScCommunicator *, ScDtype, int64_t n, void *data, ScPending **out);
   ScStatus (*progress)(struct ScCommunicator *); // lets what was begun go on; cheap; NULL: it does by itself
   // Afterwards the sum is in `data` for whatever the device does next; the host waits only where it is what
   // computes. Ends the ticket, also when it fails.
   ScStatus (*finish)(struct ScCommunicator *, ScPending *);
   // These four are NULL in groups of devices.
   // What each member says: all[rank], of which the others' are zeros beforehand. Within so many seconds (0: as
   // long as it takes), asleep where that is long. SC_EIO where the others did not come: the group can only be
   // aborted then. Where another member waits in something else that this one has not come to, neither can go
   // on: that one fails, and names both; or both do, with SC_EARG, and may go on.
   ScStatus (*call)(struct ScCommunicator *, ScWorldText *all, double seconds);
   // The root's bytes come to all.
   ScStatus (*broadcast)(struct ScCommunicator *, int root, size_t bytes, void *data);
   // As many bytes of each member come to the root, into `all`, in the order of ranks; elsewhere that is not
   // looked at.
   ScStatus (*gather)(struct ScCommunicator *, int root, size_t bytes, const void *mine, void *all);
   // Waits until all members are here, for so many seconds; 0: as long as it takes. SC_EIO where one did not
   // come: the group can only be aborted then.
   ScStatus (*barrier)(struct ScCommunicator *, double seconds);
   // The first member says that it has begun to save something, or, called again, that it is through; the
   // others ask what it has said last. NULL: nothing is said of that.
   void (*announce_saving)(struct ScCommunicator *);
   bool (*first_saves)(struct ScCommunicator *);
   // Ends all processes of the group, this one too; the others may be in the middle of anything.
   void (*abort)(struct ScCommunicator *, int exit_code);
   void (*close)(struct ScCommunicator *); // leaves the group, as all members do, and frees this
} ScCommunicator;

SC_API_END

#endif
