// Ops: one declaration, from which dispatch, the Lua function, its documentation and its tests derive.
//
// An op lives in host/ops/<op>.c (its parameters, shape rule, host side of forward and backward) and its
// kernels in kernels/<backend>/<op>.c. Both see one ScCall. A call that is recorded becomes the tape's node, so
// that backward finds the arguments it needs where forward left them.
#ifndef SCUTE_OP_H
#define SCUTE_OP_H

#include "host/core/api.h"
#include "host/core/tensor.h"

SC_API_BEGIN

enum { SC_MAXPARAM = 16, SC_MAXOUT = 3, SC_MAXSAVED = 4 };

typedef enum {
   SC_TENSOR,  // a tensor
   SC_OPERAND, // a tensor, or a number that becomes a scalar tensor of the other operand's dtype
   SC_TENSORS, // a list of tensors
   SC_INT,
   SC_NUMBER,
   SC_BOOL,
   SC_PAIR,   // one int, or two: (vertical, horizontal). With `choices`, one word: from 0 on, or that word
   SC_INTS,   // up to SC_MAXRANK ints: a number or a table; of the last parameter also several numbers
   SC_DIM,    // a dimension: 1..rank or negative from Lua; 0..rank-1 here. Absent is SC_NODIM (if optional)
   SC_DIMS,   // one dimension or a table of different ones, as SC_DIM in ints. Absent: none (if optional)
   SC_DTYPE,  // a dtype name
   SC_DEVICE, // a device name
   SC_CHOICE, // one of the names in `choices`, separated by '|'
} ScKind;

enum { SC_NODIM = -1 };
enum { SC_PAIR_WORD = -1 }; // both numbers of a pair in whose place its word stands

typedef struct {
   const char *name;
   ScKind kind;
   bool optional;       // an absent tensor is NULL; other kinds take `preset`
   double preset;       // default of a number, int, bool, both of a pair, index of a choice
   const char *choices; // "none|relu|relu6|silu"; of a pair the word that may stand in its place
   const char *doc;     // what it is, its shape and unit
} ScParam;

typedef union {
   int64_t i; // SC_INT, SC_BOOL, SC_DIM, SC_DTYPE, SC_CHOICE
   double f;  // SC_NUMBER
   ScDevice *device;
   struct {
      int n;
      int64_t v[SC_MAXRANK];
   } ints; // SC_PAIR (n = 2), SC_INTS, SC_DIMS
} ScAttr;

// What autocast (host/core/width.h) does to an op's f32 and half-width inputs.
typedef enum {
   SC_CAST_NONE, // computes in the dtype of its inputs
   SC_CAST_HALF, // products: f32 inputs outside of the `wide` mask are converted to the half dtype
   SC_CAST_WIDE, // what loses too much in half width: half inputs are converted to f32, and so is the result
} ScCast;

typedef struct ScOp ScOp;
typedef struct ScFunction ScFunction;

struct ScCall {
   const ScOp *op;
   ScDevice *device;
   // Inputs: all tensor parameters in order of declaration, lists laid flat. NULL where an optional one is
   // absent.
   int nin;
   ScTensor **in;
   int count[SC_MAXPARAM];   // tensors per tensor parameter (1, or a list's length)
   ScAttr attr[SC_MAXPARAM]; // the other parameters in order of declaration
   // Outputs, described by `infer` (sc_describe), allocated by the dispatcher.
   int nout;
   ScTensor *out[SC_MAXOUT];
   // What forward keeps for backward beyond inputs and outputs (indices, batch statistics); see
   // sc_describe_saved. Allocated only if the call is recorded; NULL otherwise, and forward must do without.
   int nsaved;
   ScTensor *saved[SC_MAXSAVED];
   ScDtype half;   // f16 or bf16: a result of f32 becomes one
   bool recording; // backward will be asked for
   int layer;      // that made the call, see host/core/layer.h
   // A kernel may do what the op's `commit` does itself, with its last launch, and then says so.
   bool may_commit, committed;
   size_t spared;              // bytes of an output that is kept though `redo` could make it again
   bool redoes;                // set by forward: what is kept is enough for the op's `redo`
   unsigned keep_in, keep_out; // what the tape keeps: the op's masks, from which forward may take bits away
   // Backward: gradients of the outputs in, of the inputs out. grad_in[i] is NULL where needs_grad[i] is false.
   ScTensor *grad_out[SC_MAXOUT]; // NULL where an output had no influence
   ScTensor **grad_in;
   bool *needs_grad;
   ScFunction *function; // of a call that was made outside the core, which owns it; see host/core/function.h
};

// A function whose backward lies outside the core (written in Lua, say); see host/core/function.h.
struct ScFunction {
   const char *name; // for messages; lives as long as the function
   // From call->grad_out (one per output, zeros where an output had no influence, NULL where it is no float
   // tensor) sets call->grad_in[i], which the call takes over, for inputs with call->needs_grad[i]; NULL counts
   // as zeros. call->in and call->out have shapes and dtypes only. Never raises, never jumps: what goes wrong
   // is a status.
   ScStatus (*backward)(ScFunction *, ScCall *);
   // Called once, when the tape lets go of the function: after a backward that consumed it, or with its graph.
   void (*release)(ScFunction *);
};

struct ScOp {
   const char *name;
   const char *doc; // one paragraph: formula, shapes, source
   const ScParam *params;
   int nparams;
   bool differentiable; // false: its result is outside the tape ("declared non-differentiable")
   bool promote;        // tensor operands are brought to a common dtype first
   bool any_dtype;      // moves bytes: f16 and bf16 are not converted to f32 around it
   unsigned in_place;   // bit i = writes into tensor parameter i (optimizers), no outputs; 0 = makes outputs
   bool no_method;      // a function only, not a method of tensors
   // What several outputs are, in their order, separated by '|'; one that only some calls give ends with '?'.
   // NULL: there is one, or none.
   const char *results;
   // What backward needs: bit i = parameter i's tensor(s) with values, the rest are kept as shapes only.
   unsigned keep_in;
   unsigned keep_out;
   // Tensor parameters (bit i = the i-th, each a single tensor) that forward may write in place, as batch norm
   // does with its running statistics. Where they are widened, what was written is converted back.
   unsigned updates;
   // Half width (f16, bf16). If the device's kernel declares the dtype of the call's first tensor, and all
   // other floating-point tensors outside of this mask have that dtype too, the call runs natively: the kernel
   // sees half-width inputs and outputs, computes in f32 and rounds once. The tensor parameters in this mask
   // (bit i = the i-th, a single tensor: statistics, norm weights, biases) are f32 in such a call; half ones
   // are converted. What `infer` describes as saved is never half (sc_wide_dtype); gradients have the dtype of
   // their input, so those of inputs in the mask are f32. Where a kernel answers SC_EUNSUPPORTED, or declares
   // no half, everything is converted to f32 around it and results back. Backward sees what forward saw.
   unsigned wide;
   ScCast autocast;
   // For profiles. Multiply-adds of the products in forward, or in backward of the gradients that needs_grad
   // asks for; NULL: it makes none.
   double (*multiply_adds)(const ScCall *, bool backward);
   unsigned reads_part; // of bit i's tensor no more is read than is written, as a slice does
   // Checks the arguments (message: "conv2d: argument 'weight': expected ..., found ...") and describes the
   // outputs.
   ScStatus (*infer)(ScCall *);
   // NULL: allocate and run the kernel. Else instead of that; sc_run_kernel (host/core/dispatch.h) does the
   // standard part. With no infer, the op is a composite: forward makes the outputs itself out of other ops
   // (sc_apply, host/core/call.h).
   ScStatus (*forward)(ScCall *);
   // What stays beyond the outputs (statistics, a stream of random numbers that is used up), or NULL. Comes
   // last, when nothing else can fail: memory that runs out is told before any of it, and then the call is
   // repeated.
   ScStatus (*commit)(ScCall *);
   // NULL: allocate grad_in where needed and run the kernel's backward (sc_run_backward_kernel).
   ScStatus (*backward)(ScCall *);
   // Computes the only output again, bit for bit, from what the tape kept of a call that says it `redoes`, and
   // gives it as a new tensor. Cheap, else nobody would rather not keep the output. See host/core/redo.h.
   ScStatus (*redo)(const ScCall *, ScTensor **out);
   const char *kernel; // the name under which backends have what computes it; NULL: its own
};

void sc_register_op(const ScOp *);
const ScOp *sc_op_find(const char *name);
const ScOp *sc_op_at(int index);                              // NULL past the end; in byte order of the names
const ScKernel *sc_op_kernel(const ScOp *, const ScDevice *); // NULL: that device has none
#define SC_OP(name, ...)                                                                                       \
   static const ScOp op_##name = {#name, __VA_ARGS__};                                                         \
   __attribute__((constructor(202))) static void register_op_##name(void) {                                    \
      sc_register_op(&op_##name);                                                                              \
   }
#define SC_PARAMS(array) .params = array, .nparams = sizeof array / sizeof array[0]

// Calls. `sc_call_new` presets every attribute; fill in call->in and call->attr. `nin` counts flat tensors.
ScStatus sc_call_new(ScCall **out, const ScOp *, int nin);
void sc_call_free(ScCall *); // releases every tensor it holds
// A call of op `name` with tensors (in[]) and its first attributes. An op that begins with a list takes all of
// `in` for that list.
ScStatus sc_call_prepare(ScCall **out, const char *name, int nin, ScTensor *const *in, const ScAttr *attr,
                         int nattr);
// Finds the device of the inputs, which must be one and the same; without inputs it is the CPU.
ScStatus sc_call_place(ScCall *);
ScTensor *sc_call_take(ScCall *, int output);
// Frees the call; of one that went well the first output is taken, unless `out` is NULL. Returns `status`.
ScStatus sc_call_finish(ScCall *, ScStatus status, ScTensor **out);

// For host/ops.
ScStatus sc_describe(ScCall *, int output, ScDtype, int rank, const int64_t *shape);
ScStatus sc_describe_saved(ScCall *, int index, ScDtype, int rank, const int64_t *shape);
ScStatus sc_want_rank(const ScCall *, int input,
                      int rank); // "conv2d: argument 'x': expected rank 4, found (3, 5)"
ScStatus sc_want_float(const ScCall *, int input);
// Input `input` has the first tensor's dtype; f32 if that is half and the input is in the op's `wide` mask.
ScStatus sc_want_dtype_of_first(const ScCall *, int input);
const char *sc_input_name(const ScCall *, int input);
// Ends the message of a failed device (SC_EDEVICE) or of memory that ran out (SC_EMEM) with the op and the
// shapes of its inputs: "...; in linear on cuda:0 of x f32 (8, 512), weight f32 (10, 512)". Returns the status.
ScStatus sc_name_call(const ScCall *, ScStatus);

SC_API_END

#endif
