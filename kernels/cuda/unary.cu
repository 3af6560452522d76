// Functions of each element alone. One kernel holds all of them: memory is what they wait for, not the choice.
#include <math.h>

#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/element.cuh"

namespace {

enum Function { NEG, ABS, RELU, RELU6, EXP, LOG, SQRT, SIGMOID, TANH, SILU };

template <typename M> __device__ M apply(int function, M x) {
   switch (function) {
   case NEG: return -x;
   case ABS: return fabs(x);
   case RELU: return sc_cuda_act(SC_ACT_RELU, x);
   case RELU6: return sc_cuda_act(SC_ACT_RELU6, x);
   case EXP: return exp(x);
   case LOG: return log(x);
   case SQRT: return sqrt(x);
   case SIGMOID: return sc_cuda_sigmoid(x);
   case TANH: return tanh(x);
   default: return sc_cuda_act(SC_ACT_SILU, x);
   }
}

__device__ int64_t apply(int function, int64_t x) {
   switch (function) {
   case RELU: return x < 0 ? 0 : x;
   case RELU6: return x < 0 ? 0 : x > 6 ? 6 : x;
   default: // NEG, ABS; the smallest has no positive, and becomes the largest
      if (function == ABS && x >= 0) return x;
      return x == INT64_MIN ? INT64_MAX : -x;
   }
}

// Only the one of x and its result y is there that the op keeps; the other is 0.
template <typename M> __device__ M derivative(int function, M x, M y) {
   switch (function) {
   case ABS: return (M)(x > 0) - (M)(x < 0);
   case RELU: return sc_cuda_act_derivative(SC_ACT_RELU, y);
   case RELU6: return sc_cuda_act_derivative(SC_ACT_RELU6, y);
   case EXP: return y;
   case LOG: return 1 / x;
   case SQRT: return (M)0.5 / y;
   case SIGMOID: return y * (1 - y);
   case TANH: return 1 - y * y;
   default: return sc_cuda_act_derivative(SC_ACT_SILU, x);
   }
}

template <typename T> __global__ void unary_forward(int function, int64_t n, const T *x, T *y) {
   constexpr int N = ScWide<T>::N;
   for (int64_t i = sc_thread() * N; i < n; i += sc_threads() * N) {
      ScMath<T> v[N];
      sc_get_some(x, i, n, v);
#pragma unroll
      for (int k = 0; k < N; k++) v[k] = apply(function, v[k]);
      sc_put_some(y, i, n, v);
   }
}

// x or y is NULL.
template <typename T>
__global__ void unary_backward(int function, int64_t n, const T *x, const T *y, const T *gy, T *gx) {
   constexpr int N = ScWide<T>::N;
   for (int64_t i = sc_thread() * N; i < n; i += sc_threads() * N) {
      ScMath<T> vx[N] = {}, vy[N] = {}, g[N];
      if (x) sc_get_some(x, i, n, vx);
      if (y) sc_get_some(y, i, n, vy);
      sc_get_some(gy, i, n, g);
#pragma unroll
      for (int k = 0; k < N; k++) g[k] *= derivative(function, vx[k], vy[k]);
      sc_put_some(gx, i, n, g);
   }
}

ScStatus forward(ScCall *c, Function function) {
   int64_t n = sc_numel(c->out[0]);
   return sc_with_number(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      return sc_cuda_launch(c->device, c->op->name, unary_forward<T>, sc_cuda_grid(c->device, n / ScWide<T>::N),
                            SC_CUDA_BLOCK, 0, function, n, sc_data<T>(c->in[0]), sc_data<T>(c->out[0]));
   });
}

ScStatus backward(ScCall *c, Function function) {
   int64_t n = sc_numel(c->grad_out[0]);
   return sc_with_float(c->grad_out[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      return sc_cuda_launch(c->device, c->op->name, unary_backward<T>,
                            sc_cuda_grid(c->device, n / ScWide<T>::N), SC_CUDA_BLOCK, 0, function, n,
                            sc_data<T>(c->in[0]), sc_data<T>(c->out[0]), sc_data<T>(c->grad_out[0]),
                            sc_data<T>(c->grad_in[0]));
   });
}

} // namespace

#define UNARY(name, function, accepted)                                                                        \
   SC_KERNEL_OF(cuda, name, accepted, forward(c, function), backward(c, function))

static ScStatus forward_neg(ScCall *c) {
   return forward(c, NEG);
}
SC_KERNEL(cuda, neg, .dtypes = SC_ALL_DTYPES, .forward = forward_neg, .backward = nullptr)

UNARY(abs, ABS, SC_ALL_DTYPES)
UNARY(relu, RELU, SC_ALL_DTYPES)
UNARY(relu6, RELU6, SC_ALL_DTYPES)
UNARY(exp, EXP, SC_CUDA_FLOATS)
UNARY(log, LOG, SC_CUDA_FLOATS)
UNARY(sqrt, SQRT, SC_CUDA_FLOATS)
UNARY(sigmoid, SIGMOID, SC_CUDA_FLOATS)
UNARY(tanh, TANH, SC_CUDA_FLOATS)
UNARY(silu, SILU, SC_CUDA_FLOATS)
