// Ops that a script declares while the program runs (lua/scute/kernel.lua). Such an op is called, recorded and
// profiled as any other; what computes it on a backend comes later, compiled, as its code there.
#ifndef SCUTE_OWN_OP_H
#define SCUTE_OWN_OP_H

#include "host/core/op.h"

SC_API_BEGIN

// What has code of its own: the CPU (and ref), GPUs of CUDA.
typedef enum { SC_OWN_HOST, SC_OWN_CUDA, SC_OWN_PLACES } ScOwnPlace;

// What an op is. Texts are copied.
typedef struct {
   const char *name, *doc;
   const char *kernel; // under which backends have the kernel that runs its code: "own_op"
   const char *text;   // all that its code is made of: with the same name and text, it is the same op
   int ninputs, noutputs, nnumbers;
   const char *inputs[SC_MAXPARAM], *outputs[SC_MAXOUT], *numbers[SC_MAXPARAM];
   double presets[SC_MAXPARAM]; // of the numbers
   unsigned gradients;          // bit i: its backward gives the gradient of input i; 0: it has no backward
   unsigned keep_in, keep_out;  // what backward reads: bit i = input i, output i
   bool shaped; // inputs have any shapes, and those of outputs are parameters of a call, y_shape; else all
                // broadcast
} ScOwnDeclaration;

typedef struct {
   ScOp op; // first: a call's op leads here (sc_own_op)
   int ninputs, noutputs, nnumbers;
   unsigned gradients;
   const char *text;
   const void *code[SC_OWN_PLACES]; // what the place's kernel runs; NULL: nothing was compiled for it
} ScOwnOp;

// One run of n elements, which lie side by side, in float or in double. in: the inputs, then (backward) the
// outputs and their gradients; those that `keep_in` and `keep_out` leave out are NULL. out: the outputs;
// backward: the gradient of each input, NULL where `gradients` has none.
typedef void (*ScOwnLoop)(int64_t n, void *const *out, const void *const *in, const double *numbers);

// The code of "own_op" on the CPU and on ref.
typedef struct {
   ScOwnLoop forward, backward;     // on floats
   ScOwnLoop forward64, backward64; // on doubles
} ScOwnLoops;

// The op of that declaration; it lives as long as the program. *is_new: it was not there yet.
ScStatus sc_own_op_new(const ScOwnDeclaration *, ScOwnOp **out, bool *is_new);
// The code that a place runs from now on, which lives as long as the program too.
void sc_own_op_set_code(ScOwnOp *, ScOwnPlace, const void *code);
// The code of a call; SC_EARG: there is none.
ScStatus sc_own_op_code(const ScCall *, ScOwnPlace, const void **code);
const ScOwnOp *sc_own_op(const ScCall *);
// The numbers of a call in their order.
void sc_own_op_numbers(const ScCall *, double numbers[SC_MAXPARAM]);
// Opens a library that was compiled for "own_op"; without `backward` only the functions of forward are looked
// for. The loops live as long as the program.
ScStatus sc_own_loops_open(const char *path, bool backward, const ScOwnLoops **out);

SC_API_END

#endif
