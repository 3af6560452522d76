// The group of processes that this one is part of: those that a launcher (mpirun) started together, or this one
// alone.
#ifndef SCUTE_WORLD_H
#define SCUTE_WORLD_H

#include "host/core/api.h"
#include "host/core/communicator.h"
#include "host/core/tensor.h"

SC_API_BEGIN

ScCommunicator *sc_world(void); // never NULL
// That of tensors of a device: the world itself for memory of the host's; of a device with memory of its own
// the one that joins such devices, made when it is first asked for (by all, then), or a status that says what
// lacks.
ScStatus sc_world_for(ScDevice *, ScCommunicator **out);

// Opens the plugin of MPI and joins the group that the launcher has made; once.
ScStatus sc_world_join(void);
// Whether the plugin of MPI is there at all: what sc_world_join would say where it is not.
ScStatus sc_world_can_join(void);
// The same without MPI, for processes that each have a GPU and were started by scute itself
// (host/machine/members.h): opens the plugin of CUDA and joins them through NCCL.
ScStatus sc_world_join_gpus(void);
ScStatus sc_world_can_join_gpus(void); // whether there is a GPU at all

// Others wait for what this process will not do any more: they can only be ended, whatever the code.
void sc_world_give_up(void);
bool sc_world_gave_up(void);
// At the end of the process. Code 0: leaves when the others do, as long as that takes; what they call until
// then, or add up, fails (through MPI). `asked` (a signal came to all): the same for a while, in which one of
// them may save. Else, and after that while, all of them are ended with that code.
void sc_world_leave(int exit_code, bool asked);

// Around what the first process saves, and for good where it is about to fail: others that fail meanwhile leave
// it the time, since their end is its own. Pairs may lie within each other; all processes come by.
void sc_world_saves(bool begins);
// Waits so many seconds, and on while the first process saves. False where a signal came.
bool sc_world_wait_for_first(double seconds);

// Seconds that this process has waited for others so far, in sums and barriers. Who waits beside this file adds
// the time since that moment (sc_seconds).
double sc_world_waited(void);
void sc_world_add_waited(double since);
// A handler of SIGCONT: this process was stopped, and if that was while it waited, others waited for it.
void sc_world_goes_on(int signal);
// The world's all_reduce, timed.
ScStatus sc_world_sum(ScDtype, int64_t n, void *data);

// What each process has: all[rank], of `size` entries.
ScStatus sc_world_exchange(int64_t mine, int64_t *all);
// Fails in every process alike where they do not all give the same text ("all_reduce of f32 (2, 3)"), and names
// two of them.
ScStatus sc_world_same_call(const char *text);
// How often this process has met the others so. What is tried again for want of memory must not have: they go
// on meanwhile, and wait for the next call.
uint64_t sc_world_meetings(void);
// Ends what they compute with many such calls (a training step with batch norm over all of them): SC_EMEM in
// all where any of them has run out of memory. One that says so here ends it wherever the others are: those
// hear it at their next call, which is SC_EMEM then, as are all further ones until they come here.
ScStatus sc_world_end_attempt(bool out_of_memory);

// A new tensor: the sums over all processes, of f32, f64 or i64. All give the same dtype and shape, or it fails
// in all of them. SC_EMEM: nothing has happened yet in any of them.
ScStatus sc_world_all_reduce(ScTensor **out, const ScTensor *);
// A new tensor of the root's values, on this tensor's device; any dtype.
ScStatus sc_world_broadcast(ScTensor **out, const ScTensor *, int root);
ScStatus sc_world_barrier(void);

SC_API_END

#endif
