// The software GPU's own controls: what a test asks it, beside the CUDA functions that it stands in for.
// Environment variables, read when the library is loaded, do the same for programs that know nothing of it:
//   SOFTGPU_DEVICES=1         how many devices there are; 0: cudaErrorNoDevice
//   SOFTGPU_MEMORY=8589934592 bytes of memory each device has
//   SOFTGPU_ARCH=80           compute capability times ten
//   SOFTGPU_ELEMENTS=2147483648  elements from which on a tensor is too large for cuDNN
//   SOFTGPU_FAIL=LIST         failures to inject: FUNCTION:N[:STATUS],... N counts from 1, FUNCTION may be *
//                             for any
//   SOFTGPU_ORDER=lazy        order of streams: lazy, eager or random[:SEED], see README.md
//   SOFTGPU_COMPUTE=all       none: of all work only copies are done, and new memory is zero; for tests of what
//   a
//                             program asks for
//   SOFTGPU_TIMES=0           not 0: a seed for which convolution is the fastest
//   SOFTGPU_THREADS=forward   order of blocks and threads: forward, reverse or shuffle[:SEED]
//   SOFTGPU_REPORT=FILE       at exit, write calls, synchronisations, violations and what is live, as JSON; -
//                             is stderr, %p in the name the number of the process
//   SOFTGPU_PATIENCE=60       seconds that the host may wait for work which needs other processes' part
//   SOFTGPU_FOLDER=/dev/shm   where ranks of NCCL meet; one that is killed while they do leaves a folder there
//   SOFTGPU_STRICT=1          a violation aborts the program where it is found
//   SOFTGPU_TRACE=1           each call, as it comes, on stderr
#ifndef SOFTGPU_H
#define SOFTGPU_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// Calls of one function since the start, or of all with NULL; and how many of them waited for the device.
size_t softgpu_calls(const char *function);
const char *softgpu_function(size_t i); // the i-th that has been called, from 0; NULL past the last
size_t softgpu_synchronisations(const char *function);

// The i-th kernel there is, from 0, and how often it was launched; NULL past the last.
const char *softgpu_kernel(size_t i, size_t *launches);

// Lets the n-th call from now on (1: the next) of that function ("*": of any) fail with that status; 0 takes
// the one that fits the function: out of memory for allocations, a failed launch or execution for the rest. A
// launch that is given a sticky status (cudaErrorLaunchFailure, cudaErrorIllegalAddress) succeeds and fails
// later, as on a device.
void softgpu_fail(const char *function, size_t n, int status);
void softgpu_fail_nothing(void);
size_t softgpu_failures_injected(void);
const char *softgpu_last_failure(void); // the function that was made to fail last

// Live objects of a kind: "device memory", "pinned memory", "stream", "event", "cublas handle", "cudnn handle",
// "tensor descriptor", "filter descriptor", ...; NULL: all of them.
size_t softgpu_live(const char *kind);

// Faults that no status can tell: reading through a stale pointer, divergent barriers, writes past the end, ...
size_t softgpu_violations(void);
const char *softgpu_last_violation(void);
void softgpu_forget_violations(void);

// Clears a sticky error, queued work and violations, as a new process would; live memory and handles stay.
void softgpu_revive(void);

// "lazy", "eager", "random:7"; "forward", "reverse", "shuffle:7"
void softgpu_order(const char *streams);
void softgpu_thread_order(const char *threads);

// Is there work that was queued and has not run?
size_t softgpu_pending(void);

#ifdef __cplusplus
}
#endif

#endif
