// Functions of each element alone, without options. One kernel holds those that are cheap: memory is what they
// wait for, not the choice; another the rest, which need more registers.
#include <math.h>

#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/unary.cuh"

namespace {

enum Function {
   NEG,
   SIGN,
   FLOOR,
   CEIL,
   ROUND,
   ABS,
   RELU,
   RELU6,
   EXP,
   LOG,
   SQRT,
   SIGMOID,
   TANH,
   SILU,
   HARDSIGMOID,
   HARDSWISH,
};

struct Cheap {
   int function;

   template <typename M> __device__ M operator()(M x) const {
      switch (function) {
      case NEG: return -x;
      case SIGN: return x > 0 ? 1 : x < 0 ? -1 : x;
      case FLOOR: return floor(x);
      case CEIL: return ceil(x);
      case ROUND: return rint(x);
      case ABS: return fabs(x);
      case RELU: return sc_cuda_act(SC_ACT_RELU, x);
      case RELU6: return sc_cuda_act(SC_ACT_RELU6, x);
      case EXP: return exp(x);
      case LOG: return log(x);
      case SQRT: return sqrt(x);
      case SIGMOID: return sc_cuda_sigmoid(x);
      case TANH: return tanh(x);
      case HARDSIGMOID: return sc_cuda_act(SC_ACT_HARDSIGMOID, x);
      case HARDSWISH: return sc_cuda_act(SC_ACT_HARDSWISH, x);
      default: return sc_cuda_act(SC_ACT_SILU, x);
      }
   }

   __device__ int64_t operator()(int64_t x) const {
      switch (function) {
      case SIGN: return (x > 0) - (x < 0);
      case RELU: return x < 0 ? 0 : x;
      case RELU6: return x < 0 ? 0 : x > 6 ? 6 : x;
      case FLOOR:
      case CEIL:
      case ROUND: return x;
      default: // NEG, ABS; the smallest has no positive, and becomes the largest
         if (function == ABS && x >= 0) return x;
         return x == INT64_MIN ? INT64_MAX : -x;
      }
   }

   // Only the one of x and its result y is there that the op keeps; the other is 0.
   template <typename M> __device__ M derivative(M x, M y) const {
      switch (function) {
      case ABS: return (M)(x > 0) - (M)(x < 0);
      case RELU: return sc_cuda_act_derivative(SC_ACT_RELU, y);
      case RELU6: return sc_cuda_act_derivative(SC_ACT_RELU6, y);
      case EXP: return y;
      case LOG: return 1 / x;
      case SQRT: return (M)0.5 / y;
      case SIGMOID: return y * (1 - y);
      case TANH: return 1 - y * y;
      case HARDSIGMOID: return sc_cuda_act_derivative(SC_ACT_HARDSIGMOID, x);
      case HARDSWISH: return sc_cuda_act_derivative(SC_ACT_HARDSWISH, x);
      default: return sc_cuda_act_derivative(SC_ACT_SILU, x);
      }
   }
};

enum { LOG1P, SIN, COS, ERF };

struct Costly {
   int function;

   template <typename M> __device__ M operator()(M x) const {
      switch (function) {
      case LOG1P: return log1p(x);
      case SIN: return sin(x);
      case COS: return cos(x);
      default: return erf(x);
      }
   }

   template <typename M> __device__ M derivative(M x, M) const {
      switch (function) {
      case LOG1P: return 1 / (1 + x);
      case SIN: return cos(x);
      case COS: return -sin(x);
      default: return (M)1.12837916709551257390 * exp(-x * x); // 2 / sqrt(pi)
      }
   }
};

} // namespace

#define FORWARD(name, function)                                                                                \
   static ScStatus forward_##name(ScCall *c) {                                                                 \
      return sc_unary_forward_any(c, Cheap{function});                                                         \
   }                                                                                                           \
   SC_KERNEL(cuda, name, .dtypes = SC_ALL_DTYPES, .forward = forward_##name, .backward = nullptr)

#define UNARY_ANY(name, function)                                                                              \
   SC_KERNEL_OF(cuda, name, SC_ALL_DTYPES, sc_unary_forward_any(c, Cheap{function}),                           \
                sc_unary_backward(c, Cheap{function}))

#define UNARY(name, functions)                                                                                 \
   SC_KERNEL_OF(cuda, name, SC_CUDA_FLOATS, sc_unary_forward(c, functions), sc_unary_backward(c, functions))

FORWARD(neg, NEG)
FORWARD(sign, SIGN)
FORWARD(floor, FLOOR)
FORWARD(ceil, CEIL)
FORWARD(round, ROUND)
UNARY_ANY(abs, ABS)
UNARY_ANY(relu, RELU)
UNARY_ANY(relu6, RELU6)
UNARY(exp, Cheap{EXP})
UNARY(log, Cheap{LOG})
UNARY(sqrt, Cheap{SQRT})
UNARY(sigmoid, Cheap{SIGMOID})
UNARY(tanh, Cheap{TANH})
UNARY(silu, Cheap{SILU})
UNARY(hardsigmoid, Cheap{HARDSIGMOID})
UNARY(hardswish, Cheap{HARDSWISH})
UNARY(log1p, Costly{LOG1P})
UNARY(sin, Costly{SIN})
UNARY(cos, Costly{COS})
UNARY(erf, Costly{ERF})
