// Two linear layers with GELU between them: cuBLAS's products, and what lies between them in one pass each way.
#include "host/ops/mlp.h"

#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/element.cuh"
#include "kernels/cuda/finish.h"
#include "kernels/cuda/gemm.h"

namespace {

// z, without its bias yet, gets that; h = gelu(z), which may lie where z does.
template <typename T> __global__ void mlp_activate(int64_t n, int64_t hidden, T *z, const T *bias, T *h) {
   for (int64_t i = sc_thread(); i < n; i += sc_threads()) {
      T v = z[i] + bias[sc_channel_of(i, n, hidden)];
      z[i] = v;
      h[i] = sc_cuda_act(SC_ACT_GELU, v);
   }
}

// h = gelu(z); g, the gradient of h, becomes that of z, unless it is NULL.
template <typename T> __global__ void mlp_derive(int64_t n, const T *z, T *h, T *g) {
   for (int64_t i = sc_thread(); i < n; i += sc_threads()) {
      T v = z[i];
      h[i] = sc_cuda_act(SC_ACT_GELU, v);
      if (g) g[i] *= sc_cuda_act_derivative(SC_ACT_GELU, v);
   }
}

ScMatrix plain(const void *data) {
   return {data, false, 0};
}

ScMatrix transposed(const void *data) {
   return {data, true, 0};
}

struct Mlp {
   const ScCall *c;
   ScMlp s;
   ScDtype dtype;
   ScStatus multiply(int64_t m, int64_t n, int64_t k, ScMatrix a, ScMatrix b, void *to) const {
      ScProduct p = {"mlp", dtype, m, n, k, 1, false};
      return sc_cuda_gemm(c->device, &p, a, b, false, to);
   }
   ScStatus sum_columns(int64_t columns, const void *x, const ScTensor *to) const {
      return to ? sc_cuda_column_sums(c->device, "mlp", dtype, s.rows, columns, x, to->buffer->data) : SC_OK;
   }
};

Mlp describe(const ScCall *c) {
   return {c, sc_mlp_sizes(c), c->in[SC_MLP_X]->dtype};
}

void *values(const ScTensor *t) {
   return t && t->buffer ? t->buffer->data : nullptr;
}

// ---- forward ----

ScStatus activate(const Mlp &m, void *z, void *h) {
   return sc_with_float(m.dtype, [&](auto type) {
      typedef ScMath<decltype(type)> T;
      int64_t n = m.s.rows * m.s.hidden;
      return sc_cuda_launch(m.c->device, "mlp", mlp_activate<T>, sc_cuda_grid(m.c->device, n), SC_CUDA_BLOCK, 0,
                            n, m.s.hidden, (T *)z, sc_data<const T>(m.c->in[SC_MLP_BIAS1]), (T *)h);
   });
}

ScStatus run_forward(const Mlp &m, void *h) {
   const ScCall *c = m.c;
   void *kept = values(c->saved[SC_MLP_HIDDEN]), *z = kept ? kept : h, *y = values(c->out[0]);
   SC_TRY(m.multiply(m.s.rows, m.s.hidden, m.s.inputs, plain(values(c->in[SC_MLP_X])),
                     transposed(values(c->in[SC_MLP_WEIGHT1])), z));
   SC_TRY(activate(m, z, h));
   SC_TRY(
       m.multiply(m.s.rows, m.s.outputs, m.s.hidden, plain(h), transposed(values(c->in[SC_MLP_WEIGHT2])), y));
   return sc_cuda_finish(c->device, "mlp", m.dtype, m.s.rows, m.s.outputs, y, values(c->in[SC_MLP_BIAS2]),
                         nullptr, SC_ACT_NONE);
}

size_t hidden_bytes(const Mlp &m) {
   return (size_t)(m.s.rows * m.s.hidden) * sc_dtype_size(m.dtype);
}

ScStatus forward(ScCall *c) {
   Mlp m = describe(c);
   ScBuffer *scratch;
   SC_TRY(sc_buffer_new(&scratch, c->device, hidden_bytes(m)));
   ScStatus status = run_forward(m, scratch->data);
   sc_buffer_release(scratch);
   return status;
}

// ---- backward ----

ScStatus derive(const Mlp &m, void *h, void *g) {
   return sc_with_float(m.dtype, [&](auto type) {
      typedef ScMath<decltype(type)> T;
      int64_t n = m.s.rows * m.s.hidden;
      return sc_cuda_launch(m.c->device, "mlp", mlp_derive<T>, sc_cuda_grid(m.c->device, n), SC_CUDA_BLOCK, 0,
                            n, sc_data<const T>(m.c->saved[SC_MLP_HIDDEN]), (T *)h, (T *)g);
   });
}

// The gradient of x may lie where gy does: it comes last.
ScStatus run_backward(const Mlp &m, void *h, void *g) {
   const ScCall *c = m.c;
   ScMlp s = m.s;
   void *gy = values(c->grad_out[0]), *gx = values(c->grad_in[SC_MLP_X]);
   void *gweight1 = values(c->grad_in[SC_MLP_WEIGHT1]), *gweight2 = values(c->grad_in[SC_MLP_WEIGHT2]);
   bool first = gx || gweight1 || c->grad_in[SC_MLP_BIAS1];
   SC_TRY(m.sum_columns(s.outputs, gy, c->grad_in[SC_MLP_BIAS2]));
   if (!first && !gweight2) return SC_OK;
   if (first)
      SC_TRY(m.multiply(s.rows, s.hidden, s.outputs, plain(gy), plain(values(c->in[SC_MLP_WEIGHT2])), g));
   SC_TRY(derive(m, h, first ? g : nullptr));
   if (gweight2) SC_TRY(m.multiply(s.outputs, s.hidden, s.rows, transposed(gy), plain(h), gweight2));
   SC_TRY(m.sum_columns(s.hidden, g, c->grad_in[SC_MLP_BIAS1]));
   if (gweight1)
      SC_TRY(m.multiply(s.hidden, s.inputs, s.rows, transposed(g), plain(values(c->in[SC_MLP_X])), gweight1));
   if (!gx) return SC_OK;
   return m.multiply(s.rows, s.inputs, s.hidden, plain(g), plain(values(c->in[SC_MLP_WEIGHT1])), gx);
}

ScStatus backward(ScCall *c) {
   Mlp m = describe(c);
   ScBuffer *scratch;
   SC_TRY(sc_buffer_new(&scratch, c->device, 2 * hidden_bytes(m)));
   ScStatus status = run_backward(m, scratch->data, (char *)scratch->data + hidden_bytes(m));
   sc_buffer_release(scratch);
   return status;
}

} // namespace

SC_KERNEL(cuda, mlp_rows, .dtypes = 1u << SC_F32 | 1u << SC_F64, .forward = forward, .backward = backward)
