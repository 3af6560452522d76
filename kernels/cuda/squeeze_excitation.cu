// Squeeze and excitation. Its two layers are small, so kernels of our own do them: a warp for each output.
#include "host/ops/squeeze_excitation.h"

#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/block.cuh"
#include "kernels/cuda/total.cuh"

namespace {

template <typename T> struct Squeeze {
   typedef ScMath<T> M;
   int64_t n, channels, pixels, squeezed;
   const T *x, *weight1, *weight2;
   const M *bias1, *bias2;
   int act, scale_act;
   M *means, *hidden, *excited, *scales; // (n, channels), but hidden (n, squeezed); excited and hidden: before
                                         // the activations
};

template <typename T> Squeeze<T> describe(const ScCall *c) {
   typedef ScMath<T> M;
   const int64_t *shape = c->in[SC_SE_X]->shape;
   return {shape[0],
           shape[1],
           shape[2] * shape[3],
           c->in[SC_SE_WEIGHT1]->shape[0],
           sc_data<T>(c->in[SC_SE_X]),
           sc_data<T>(c->in[SC_SE_WEIGHT1]),
           sc_data<T>(c->in[SC_SE_WEIGHT2]),
           sc_data<M>(c->in[SC_SE_BIAS1]),
           sc_data<M>(c->in[SC_SE_BIAS2]),
           (int)c->attr[SC_SE_ACT].i,
           (int)c->attr[SC_SE_SCALE_ACT].i,
           sc_data<M>(c->saved[SC_SE_MEANS]),
           sc_data<M>(c->saved[SC_SE_SQUEEZED]),
           sc_data<M>(c->saved[SC_SE_EXCITED]),
           sc_data<M>(c->saved[SC_SE_SCALES])};
}

// ---- forward ----

// One of the two layers: y (n, outputs) = after(sum), sum = before(x (n, inputs)) weight^T + bias.
template <typename T> struct Layer {
   int64_t n, inputs, outputs;
   const T *weight;
   const ScMath<T> *bias, *x;
   int before, after;  // activations
   ScMath<T> *sum, *y; // sum: NULL if it is not kept
};

template <typename T> __global__ void squeeze_excitation_layer(Layer<T> l) {
   int lane = (int)threadIdx.x % SC_CUDA_WARP;
   for (int64_t i = sc_thread() / SC_CUDA_WARP; i < l.n * l.outputs; i += sc_threads() / SC_CUDA_WARP) {
      int64_t sample = i / l.outputs, o = i - sample * l.outputs;
      ScMath<T> sum = 0;
      for (int64_t k = lane; k < l.inputs; k += SC_CUDA_WARP)
         sum += sc_widen(l.weight[o * l.inputs + k]) * sc_cuda_act(l.before, l.x[sample * l.inputs + k]);
      sum = sc_warp_reduce<ScAdd>(sum) + l.bias[o];
      if (lane > 0) continue;
      if (l.sum) l.sum[i] = sum;
      l.y[i] = sc_cuda_act(l.after, sum);
   }
}

// y = x * scales + added / pixels; `added` may be NULL. y may lie where x does.
template <typename T, int N>
__global__ void squeeze_excitation_scale(int64_t n, int64_t channels, int64_t pixels, const T *x,
                                         const ScMath<T> *scales, const ScMath<T> *added, T *y) {
   typedef ScMath<T> M;
   int64_t strips = channels / N, each = pixels * strips;
   M share = 1 / (M)pixels;
   for (int64_t sample = blockIdx.y; sample < n; sample += gridDim.y)
      for (int64_t i = sc_thread(); i < each; i += sc_threads()) {
         int64_t channel = sc_channel_of(i, each, strips) * N;
         int64_t at = (sample * each + i) * N, of = sample * channels + channel;
         M v[N], scale[N], add[N] = {};
         sc_get_vector(x, at, v);
         sc_get_vector(scales, of, scale);
         if (added) sc_get_vector(added, of, add);
#pragma unroll
         for (int k = 0; k < N; k++) v[k] = v[k] * scale[k] + add[k] * share;
         sc_put_vector(y, at, v);
      }
}

template <typename T>
ScStatus scale(const ScDevice *device, const Squeeze<T> &z, const T *x, const ScMath<T> *added, T *y) {
   constexpr int N = ScWide<T>::N;
   bool vectors = z.channels % N == 0;
   dim3 grid = sc_cuda_grid(device, z.pixels * z.channels / (vectors ? N : 1));
   grid.y = (unsigned)(z.n < 65535 ? z.n : 65535);
   return sc_cuda_launch(device, "squeeze_excitation",
                         vectors ? squeeze_excitation_scale<T, N> : squeeze_excitation_scale<T, 1>, grid,
                         SC_CUDA_BLOCK, 0, z.n, z.channels, z.pixels, x, z.scales, added, y);
}

template <typename T> ScStatus layer(const ScDevice *device, bool second, const Squeeze<T> &z) {
   Layer<T> first = {z.n,     z.channels,  z.squeezed,  z.weight1, z.bias1,
                     z.means, SC_ACT_NONE, SC_ACT_NONE, nullptr,   z.hidden};
   Layer<T> last = {z.n,      z.squeezed, z.channels,  z.weight2, z.bias2,
                    z.hidden, z.act,      z.scale_act, z.excited, z.scales};
   const Layer<T> &l = second ? last : first;
   return sc_cuda_launch(device, "squeeze_excitation", squeeze_excitation_layer<T>,
                         sc_cuda_grid(device, l.n * l.outputs * SC_CUDA_WARP), SC_CUDA_BLOCK, 0, l);
}

template <typename T> ScStatus run_forward(const ScDevice *device, const Squeeze<T> &z, T *y) {
   SC_TRY(sc_total(device, "squeeze_excitation", ScAxis{z.n, z.pixels, z.channels}, 1 / (double)z.pixels, z.x,
                   z.means));
   SC_TRY(layer(device, false, z));
   SC_TRY(layer(device, true, z));
   return scale(device, z, z.x, (const ScMath<T> *)nullptr, y);
}

ScStatus forward(ScCall *c) {
   return sc_with_float(c->in[SC_SE_X]->dtype, [&](auto type) -> ScStatus {
      typedef decltype(type) T;
      Squeeze<T> z = describe<T>(c);
      T *y = sc_data<T>(c->out[0]);
      if (z.means) return run_forward(c->device, z, y);
      ScBuffer *space; // nothing is recorded
      SC_TRY(sc_buffer_new(&space, c->device, (size_t)(z.n * (2 * z.channels + z.squeezed)) * sizeof *z.means));
      z.scales = (ScMath<T> *)space->data, z.means = z.scales + z.n * z.channels;
      z.hidden = z.means + z.n * z.channels;
      ScStatus status = run_forward(c->device, z, y);
      sc_buffer_release(space); // whoever gets it next uses it later in the stream
      return status;
   });
}

// ---- backward ----

// Gradients of the second layer's sums: over the pixels, of gy times x, times the last activation's
// derivative.
template <typename T> struct ScaleGradients {
   typedef ScMath<T> Sum;
   int64_t channels, pixels;
   const T *x, *gy;
   const Sum *excited;
   int act;
   Sum *g;
   __device__ Sum zero() const { return 0; }
   __device__ Sum join(Sum a, Sum b) const { return a + b; }
   __device__ int64_t place(int64_t k) const { return k / channels * channels * pixels + k % channels; }
   __device__ Sum take(int64_t start, int64_t r) const {
      int64_t at = start + r * channels;
      return sc_widen(x[at]) * sc_widen(gy[at]);
   }
   template <int N> __device__ void take_side(int64_t start, int64_t r, Sum (&products)[N]) const {
      Sum other[N];
      sc_get_vector(x, start + r * channels, products);
      sc_get_vector(gy, start + r * channels, other);
#pragma unroll
      for (int i = 0; i < N; i++) products[i] *= other[i];
   }
   __device__ void put(int64_t k, Sum sum) const {
      g[k] = sum * sc_cuda_act_derivative(act, excited[k]);
   }
};

// gweight (outputs, inputs) and gbias (outputs), where wanted, of a layer whose outputs have the gradients g
// and whose inputs are act(x).
template <typename T>
__global__ void squeeze_excitation_weight_grad(int act, int64_t n, int64_t inputs, int64_t outputs,
                                               const ScMath<T> *g, const ScMath<T> *x, T *gweight,
                                               ScMath<T> *gbias) {
   for (int64_t i = sc_thread(); i < outputs * inputs; i += sc_threads()) {
      int64_t o = i / inputs, k = i - o * inputs;
      ScMath<T> sum = 0, plain = 0;
      for (int64_t sample = 0; sample < n; sample++) {
         ScMath<T> value = x[sample * inputs + k], each = g[sample * outputs + o];
         sum += each * sc_cuda_act(act, value);
         plain += each;
      }
      if (gweight) gweight[i] = sc_narrow<T>(sum);
      if (gbias && k == 0) gbias[o] = plain;
   }
}

enum { ACROSS = 32, DEEP = SC_CUDA_BLOCK / ACROSS };

// gx (n, inputs) = g (n, outputs) weight; through `act` if `before` (what that was taken of) is there. A block
// takes 32 inputs of a sample and shares out the outputs; `strips` blocks have one sample.
template <typename T>
__global__ void squeeze_excitation_input_grad(int64_t strips, int64_t inputs, int64_t outputs,
                                              const ScMath<T> *g, const T *weight, int act,
                                              const ScMath<T> *before, ScMath<T> *gx) {
   typedef ScMath<T> M;
   __shared__ M sums[DEEP][ACROSS];
   int64_t sample = blockIdx.x / strips, k = (blockIdx.x - sample * strips) * ACROSS + threadIdx.x;
   M sum = 0;
   if (k < inputs)
      for (int64_t o = threadIdx.y; o < outputs; o += DEEP)
         sum += g[sample * outputs + o] * sc_widen(weight[o * inputs + k]);
   sums[threadIdx.y][threadIdx.x] = sum;
   __syncthreads();
   if (threadIdx.y > 0 || k >= inputs) return;
   for (int i = 1; i < DEEP; i++) sum += sums[i][threadIdx.x];
   int64_t at = sample * inputs + k;
   gx[at] = before ? sum * sc_cuda_act_derivative(act, before[at]) : sum;
}

template <typename T>
ScStatus weights_of(const ScCall *c, bool second, const Squeeze<T> &z, const ScMath<T> *g) {
   T *gweight = sc_data<T>(c->grad_in[second ? SC_SE_WEIGHT2 : SC_SE_WEIGHT1]);
   ScMath<T> *gbias = sc_data<ScMath<T>>(c->grad_in[second ? SC_SE_BIAS2 : SC_SE_BIAS1]);
   if (!gweight && !gbias) return SC_OK;
   int64_t inputs = second ? z.squeezed : z.channels, outputs = second ? z.channels : z.squeezed;
   return sc_cuda_launch(c->device, "squeeze_excitation", squeeze_excitation_weight_grad<T>,
                         sc_cuda_grid(c->device, inputs * outputs), SC_CUDA_BLOCK, 0,
                         second ? z.act : (int)SC_ACT_NONE, z.n, inputs, outputs, g,
                         second ? z.hidden : z.means, gweight, gbias);
}

template <typename T>
ScStatus inputs_of(const ScCall *c, bool second, const Squeeze<T> &z, const ScMath<T> *g, ScMath<T> *gx) {
   int64_t inputs = second ? z.squeezed : z.channels, outputs = second ? z.channels : z.squeezed;
   int64_t strips = (inputs + ACROSS - 1) / ACROSS;
   return sc_cuda_launch(c->device, "squeeze_excitation", squeeze_excitation_input_grad<T>,
                         dim3((unsigned)(strips * z.n)), dim3(ACROSS, DEEP), 0, strips, inputs, outputs, g,
                         second ? z.weight2 : z.weight1, z.act, second ? z.hidden : nullptr, gx);
}

// `space` holds gradients of the scales' sums and of the means (n, channels), and of the hidden ones
// (n, squeezed).
template <typename T> ScStatus run_backward(const ScCall *c, const Squeeze<T> &z, ScMath<T> *space) {
   typedef ScMath<T> M;
   const T *gy = sc_data<T>(c->grad_out[0]);
   M *gscales = space, *gmeans = gscales + z.n * z.channels, *ghidden = gmeans + z.n * z.channels;
   ScaleGradients<T> f = {z.channels, z.pixels, z.x, gy, z.excited, z.scale_act, gscales};
   constexpr int N = sizeof(T) == 8 ? 1 : ScWide<T>::N;
   SC_TRY(sc_reduce_side<N>(c->device, "squeeze_excitation", f, z.n * z.channels, z.pixels, z.channels));
   SC_TRY(weights_of(c, true, z, gscales));
   SC_TRY(inputs_of(c, true, z, gscales, ghidden));
   SC_TRY(weights_of(c, false, z, ghidden));
   if (!c->grad_in[SC_SE_X]) return SC_OK;
   SC_TRY(inputs_of(c, false, z, ghidden, gmeans));
   return scale(c->device, z, gy, gmeans, sc_data<T>(c->grad_in[SC_SE_X]));
}

ScStatus backward(ScCall *c) {
   return sc_with_float(c->in[SC_SE_X]->dtype, [&](auto type) -> ScStatus {
      typedef decltype(type) T;
      typedef ScMath<T> M;
      Squeeze<T> z = describe<T>(c);
      ScBuffer *space;
      SC_TRY(sc_buffer_new(&space, c->device, (size_t)(z.n * (2 * z.channels + z.squeezed)) * sizeof(M)));
      ScStatus status = run_backward(c, z, (M *)space->data);
      sc_buffer_release(space);
      return status;
   });
}

} // namespace

SC_KERNEL(cuda, squeeze_excitation, .dtypes = SC_CUDA_FLOATS, .forward = forward, .backward = backward)
