// Devices, their memory pool, and the table of kernels that a backend brings.
#ifndef SCUTE_DEVICE_H
#define SCUTE_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "host/core/api.h"
#include "host/core/dtype.h"
#include "host/core/pool.h"

SC_API_BEGIN

typedef struct ScCall ScCall;
typedef struct ScDevice ScDevice;
struct ScOp;

// What a backend computes for one op. Missing backward with a differentiable op means that host/ops does it
// alone.
typedef struct {
   const char *op;
   unsigned dtypes; // mask of 1u << ScDtype, tested against the op's compute dtype (that of its first tensor)
   ScStatus (*forward)(ScCall *);
   ScStatus (*backward)(ScCall *);
   unsigned (*more_dtypes)(const ScDevice *); // those that depend on the device; may be NULL
} ScKernel;

enum { SC_MAXDEVICES = 16 }; // of one backend

enum {
   SC_FLOATS = 1u << SC_F32 | 1u << SC_F64,
   SC_NUMBERS = SC_FLOATS | 1u << SC_I64 | 1u << SC_U8,
   SC_ALL_DTYPES = (1u << SC_NDTYPE) - 1,
};

typedef struct ScBackend {
   const char *name;
   const char *(*library)(void); // what it computes with, as in "oneDNN 3.2.0"; may be NULL
   // How many devices there are, for backends that may have several or none; asked once, when one is looked
   // for. NULL: there is one. On failure the message says what is missing.
   ScStatus (*count)(int *n);
   ScStatus (*start)(ScDevice *); // of one that is looked for, the first time: can it compute? NULL: it can
   bool host_memory;              // the CPU may dereference its buffers
   bool shapes_only; // its tensors have no values: every op is "computed" once its shapes are checked
   ScStatus (*allocate)(ScDevice *, size_t bytes, void **out);
   void (*release)(ScDevice *, void *, size_t bytes);
   ScStatus (*upload)(ScDevice *, void *to, const void *from, size_t bytes);
   ScStatus (*download)(ScDevice *, void *to, const void *from, size_t bytes);
   ScStatus (*copy)(ScDevice *, void *to, const void *from, size_t bytes); // within the device
   // Writes an element of `size` bytes n times; needed without host memory.
   ScStatus (*fill)(ScDevice *, void *to, const void *element, size_t size, int64_t n);
   // Reading without waiting; both NULL: what is read is there at once. `begin_read` copies into memory of its
   // own, in order with the device's work so far. `end_read` waits for that, copies to `to` unless it is NULL,
   // and ends the ticket, also when it fails.
   ScStatus (*begin_read)(ScDevice *, const void *from, size_t bytes, void **ticket);
   ScStatus (*end_read)(ScDevice *, void *ticket, void *to, size_t bytes);
   // Graphs (host/core/graph.h); all NULL: there are none. After `record` work is recorded instead of done,
   // until `recorded` makes it something that `replay` does; `work` NULL: it is given up.
   ScStatus (*record)(ScDevice *);
   ScStatus (*recorded)(ScDevice *, void **work);
   ScStatus (*replay)(ScDevice *, void *work);
   void (*forget_recorded)(ScDevice *, void *work);
   ScStatus (*wait)(ScDevice *);               // for all work so far; NULL: there is nothing to wait for
   bool (*rounds_products)(const ScDevice *);  // has it TensorFloat-32 (host/core/choices.h)? NULL: no
   bool (*has_tensor_cores)(const ScDevice *); // is half width faster than f32? NULL: no
   // Which kernels were chosen by timing so far, as text to be freed (NULL: out of memory), and taking such a
   // text for what is chosen from now on; false: it is of another device. What was met by the time of the first
   // stays as it is, so that both go on alike. Both NULL: nothing is timed.
   char *(*chosen)(ScDevice *);
   bool (*choose)(ScDevice *, const char *chosen);
   // Kernels that a script declares (host/ops/own_op.h): what compiles them, as a name under which code is
   // kept; source to code, to be freed; and code of an op for one dtype to what it runs from now on. All NULL:
   // there is no compiler.
   ScStatus (*compiler)(ScDevice *, char name[64]);
   ScStatus (*compile)(ScDevice *, const char *source, void **code, size_t *bytes);
   ScStatus (*load)(ScDevice *, const struct ScOp *, ScDtype, const void *code);
   // For profilers: what is done from here on, as "conv2d" and " backward", until the matching end; both may be
   // NULL.
   void (*begin_range)(const char *name, const char *more);
   void (*end_range)(void);
   void (*forget)(uint64_t stamp); // drop what was packed from that content; may be NULL
   void (*flush)(ScDevice *);      // drop every cache that can be rebuilt; may be NULL
   void (*close)(ScDevice *);      // give up everything, at the end of the program; may be NULL
   struct ScKernelTable *kernels;
} ScBackend;

struct ScDevice {
   const ScBackend *backend;
   int index;
   char name[16]; // "cpu", "ref", "cuda:0"
   bool started;
   ScPool *pool;
   // Of the group that it trains in (host/core/communicator.h); NULL: alone.
   struct ScCommunicator *communicator;
};

// "cpu", "ref", "cuda", "cuda:1", or "auto": a GPU where one answers, else the CPU. Of several processes that a
// computer has (host/core/place.h) each has another GPU as "cuda". The device lives as long as the process. The
// first "cuda" opens that backend's plugin (host/core/plugin.c).
ScStatus sc_device_find(const char *name, ScDevice **out);
ScDevice *sc_device_at(int index); // those in use so far; NULL past the end
ScDevice *sc_device_cpu(void);
ScDevice *sc_device_ref(void);
ScMemory sc_device_memory(ScDevice *);
void sc_device_flush(ScDevice *);                   // returns cached memory and clears backend caches
void sc_flush_too(void (*flush)(const ScDevice *)); // what else is cached, of the core's own
void sc_flush_devices(void);                        // the same for all devices in use
void sc_close_devices(void);                        // at the end of the program, when no tensor lives any more
void sc_begin_range(const char *name);              // for profilers, of all backends in use
void sc_end_range(void);
size_t sc_live_bytes(void); // over all devices in use

void sc_add_backend(ScBackend *);
// Registration happens before main, from the file that defines the kernel (a backend: host/core/register.h);
// there is no list anywhere.
void sc_register_kernel(const char *backend, const ScKernel *);
const ScKernel *sc_find_kernel(const ScDevice *, const char *op);
bool sc_kernel_takes(const ScKernel *, const ScDevice *, ScDtype); // NULL takes none

// SC_KERNEL(cpu, relu, .dtypes = 1u << SC_F32, .forward = ..., .backward = ...)
#define SC_KERNEL(backend, name, ...)                                                                          \
   static const ScKernel kernel_##name = {.op = #name, __VA_ARGS__};                                           \
   __attribute__((constructor(202))) static void register_##name(void) {                                       \
      sc_register_kernel(#backend, &kernel_##name);                                                            \
   }
// One of several kernels that share their functions and differ in an argument; both are calls with the ScCall
// `c`: SC_KERNEL_OF(cuda, relu, SC_FLOATS, forward(c, RELU), backward(c, RELU))
#define SC_KERNEL_OF(backend, name, accepted, forward_call, backward_call)                                     \
   static ScStatus forward_##name(ScCall *c) {                                                                 \
      return forward_call;                                                                                     \
   }                                                                                                           \
   static ScStatus backward_##name(ScCall *c) {                                                                \
      return backward_call;                                                                                    \
   }                                                                                                           \
   SC_KERNEL(backend, name, .dtypes = accepted, .forward = forward_##name, .backward = backward_##name)

SC_API_END

#endif
