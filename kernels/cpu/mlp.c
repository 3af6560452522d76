// Two linear layers with GELU between them, some rows at a time: what lies between the layers stays in the
// caches, but for the input of the activation, which backward needs.
#include "host/ops/mlp.h"

// Multiplying and adding in one instruction takes half of the time.
#pragma GCC optimize("fp-contract=fast")

#include "kernels/cpu/activation.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/column_sums.h"
#include "kernels/cpu/gemm.h"

// Rows of a chunk: fewer would read weights, and add to their gradients, too often. The same for every number
// of threads.
enum { CHUNK_BYTES = 2 << 20, LEAST_ROWS = 1024, WORTH_THREADS = 1 << 15 };

static float *values(const ScTensor *t) {
   return t && t->buffer ? t->buffer->data : NULL;
}

// All but the last have as many.
static int64_t rows_of_chunk(ScMlp s) {
   int64_t most = CHUNK_BYTES / (s.hidden * (int64_t)sizeof(float));
   if (most < LEAST_ROWS) most = LEAST_ROWS;
   int64_t chunks = (s.rows + most - 1) / most;
   return (s.rows + chunks - 1) / chunks;
}

// ---- forward ----

// z, without its bias yet, gets that; h = gelu(z).
SC_CLONES static void activate(float *restrict h, float *restrict z, const float *restrict bias, int64_t n) {
   for (int64_t i = 0; i < n; i++) {
      z[i] += bias[i];
      h[i] = sc_activate(SC_ACT_GELU, z[i]);
   }
}

SC_CLONES static void activate_in_place(float *restrict z, const float *restrict bias, int64_t n) {
   for (int64_t i = 0; i < n; i++) z[i] = sc_activate(SC_ACT_GELU, z[i] + bias[i]);
}

typedef struct {
   ScMlp s;
   const float *x, *weight1, *bias1, *weight2, *bias2;
   float *y, *kept; // kept: what the activation is given, NULL where nobody asks for it
   float *h;        // of a chunk
} Forward;

// The rows [from, from + n): of h, and of y the bias, to which the second product is added.
static void activate_rows(const Forward *f, int64_t from, int64_t n) {
   int64_t hidden = f->s.hidden, outputs = f->s.outputs;
#pragma omp parallel for if (n * hidden >= WORTH_THREADS)
   for (int64_t r = 0; r < n; r++) {
      if (f->kept)
         activate(f->h + r * hidden, f->kept + (from + r) * hidden, f->bias1, hidden);
      else
         activate_in_place(f->h + r * hidden, f->bias1, hidden);
      memcpy(f->y + (from + r) * outputs, f->bias2, (size_t)outputs * sizeof(float));
   }
}

static ScStatus forward_chunk(const Forward *f, int64_t from, int64_t n) {
   ScMlp s = f->s;
   float *z = f->kept ? f->kept + from * s.hidden : f->h;
   SC_TRY(sc_gemm(n, s.hidden, s.inputs, (ScMatrix){f->x + from * s.inputs, false},
                  (ScMatrix){f->weight1, true}, false, z));
   activate_rows(f, from, n);
   return sc_gemm(n, s.outputs, s.hidden, (ScMatrix){f->h, false}, (ScMatrix){f->weight2, true}, true,
                  f->y + from * s.outputs);
}

static ScStatus forward(ScCall *c) {
   ScMlp s = sc_mlp_sizes(c);
   int64_t chunk = rows_of_chunk(s);
   ScBuffer *scratch;
   SC_TRY(sc_buffer_new(&scratch, c->device, (size_t)(chunk * s.hidden) * sizeof(float)));
   Forward f = {.s = s,
                .x = values(c->in[SC_MLP_X]),
                .weight1 = values(c->in[SC_MLP_WEIGHT1]),
                .bias1 = values(c->in[SC_MLP_BIAS1]),
                .weight2 = values(c->in[SC_MLP_WEIGHT2]),
                .bias2 = values(c->in[SC_MLP_BIAS2]),
                .y = values(c->out[0]),
                .kept = values(c->saved[SC_MLP_HIDDEN]),
                .h = scratch->data};
   ScStatus status = SC_OK;
   for (int64_t from = 0; from < s.rows && status == SC_OK; from += chunk)
      status = forward_chunk(&f, from, s.rows - from < chunk ? s.rows - from : chunk);
   sc_buffer_release(scratch);
   return status;
}

// ---- backward ----

// h = gelu(z); g, the gradient of h, becomes that of z.
SC_CLONES static void derive(float *restrict h, float *restrict g, const float *restrict z, int64_t n) {
   for (int64_t i = 0; i < n; i++) {
      float bell = sc_bellf(z[i]), share = sc_normal_sharef(z[i], bell);
      h[i] = z[i] * share;
      g[i] *= share + z[i] * (float)SC_GELU_DENSITY * bell;
   }
}

SC_CLONES static void activate_again(float *restrict h, const float *restrict z, int64_t n) {
   for (int64_t i = 0; i < n; i++) h[i] = sc_activate(SC_ACT_GELU, z[i]);
}

typedef struct {
   ScMlp s;
   const float *x, *weight1, *weight2, *kept, *gy;
   float *gx, *gweight1, *gbias1, *gweight2, *gbias2; // NULL where nobody asks; gx may be gy
   float *h, *g;                                      // of a chunk
   float *part;                                       // sums of columns of a chunk
   double *sums1, *sums2;                             // of the chunks so far, of both biases
} Backward;

static void derive_rows(const Backward *b, int64_t from, int64_t n, bool first) {
   int64_t hidden = b->s.hidden;
   const float *z = b->kept + from * hidden;
#pragma omp parallel for if (n * hidden >= WORTH_THREADS)
   for (int64_t r = 0; r < n; r++) {
      if (first)
         derive(b->h + r * hidden, b->g + r * hidden, z + r * hidden, hidden);
      else
         activate_again(b->h + r * hidden, z + r * hidden, hidden);
   }
}

static void add_sums(const Backward *b, double *sums, const float *x, int64_t rows, int64_t columns) {
   sc_column_sums(b->part, x, rows, columns, false);
   for (int64_t i = 0; i < columns; i++) sums[i] += (double)b->part[i];
}

// What the second layer gets, and of the first one the gradient of its results.
static ScStatus back_through_second(const Backward *b, int64_t from, int64_t n) {
   ScMlp s = b->s;
   const float *gy = b->gy + from * s.outputs;
   bool first = b->gx || b->gweight1 || b->gbias1;
   if (first)
      SC_TRY(
          sc_gemm(n, s.hidden, s.outputs, (ScMatrix){gy, false}, (ScMatrix){b->weight2, false}, false, b->g));
   if (first || b->gweight2) derive_rows(b, from, n, first);
   if (b->gbias2) add_sums(b, b->sums2, gy, n, s.outputs);
   if (!b->gweight2) return SC_OK;
   return sc_gemm(s.outputs, s.hidden, n, (ScMatrix){gy, true}, (ScMatrix){b->h, false}, from > 0, b->gweight2);
}

// Where gx is gy, what came in is gone once gx has been begun: backward is not to be tried again from the
// start.
static ScStatus half_way(const Backward *b, ScStatus status) {
   if (status != SC_EMEM || b->gx != b->gy) return status;
   return sc_fail(SC_EDEVICE,
                  "%s, half-way through a gradient; begin anew with forward, or use a smaller batch",
                  sc_error());
}

static ScStatus back_through_first(const Backward *b, int64_t from, int64_t n) {
   ScMlp s = b->s;
   if (b->gbias1) add_sums(b, b->sums1, b->g, n, s.hidden);
   if (b->gweight1)
      SC_TRY(sc_gemm(s.hidden, s.inputs, n, (ScMatrix){b->g, true}, (ScMatrix){b->x + from * s.inputs, false},
                     from > 0, b->gweight1));
   if (!b->gx) return SC_OK;
   ScStatus status = sc_gemm(n, s.inputs, s.hidden, (ScMatrix){b->g, false}, (ScMatrix){b->weight1, false},
                             false, b->gx + from * s.inputs);
   return half_way(b, status);
}

static void store(float *to, const double *sums, int64_t n) {
   for (int64_t i = 0; to && i < n; i++) to[i] = (float)sums[i];
}

static ScStatus back_through_chunk(const Backward *b, int64_t from, int64_t n) {
   SC_TRY(back_through_second(b, from, n));
   return back_through_first(b, from, n);
}

static ScStatus run_backward(Backward *b, ScBuffer *scratch, int64_t chunk) {
   ScMlp s = b->s;
   int64_t columns = s.hidden + s.outputs;
   b->h = scratch->data, b->g = b->h + chunk * s.hidden;
   b->sums1 = (double *)(b->g + chunk * s.hidden), b->sums2 = b->sums1 + s.hidden;
   b->part = (float *)(b->sums1 + columns);
   memset(b->sums1, 0, (size_t)columns * sizeof(double));
   for (int64_t from = 0; from < s.rows; from += chunk) {
      int64_t n = s.rows - from < chunk ? s.rows - from : chunk;
      ScStatus status = back_through_chunk(b, from, n);
      SC_TRY(from > 0 ? half_way(b, status) : status);
   }
   store(b->gbias1, b->sums1, s.hidden);
   store(b->gbias2, b->sums2, s.outputs);
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   ScMlp s = sc_mlp_sizes(c);
   int64_t chunk = rows_of_chunk(s), columns = s.hidden + s.outputs;
   ScBuffer *scratch;
   SC_TRY(sc_buffer_new(&scratch, c->device,
                        (size_t)columns * (sizeof(double) + sizeof(float)) +
                            (size_t)(2 * chunk * s.hidden) * sizeof(float)));
   Backward b = {.s = s,
                 .x = values(c->in[SC_MLP_X]),
                 .weight1 = values(c->in[SC_MLP_WEIGHT1]),
                 .weight2 = values(c->in[SC_MLP_WEIGHT2]),
                 .kept = values(c->saved[SC_MLP_HIDDEN]),
                 .gy = values(c->grad_out[0]),
                 .gx = values(c->grad_in[SC_MLP_X]),
                 .gweight1 = values(c->grad_in[SC_MLP_WEIGHT1]),
                 .gbias1 = values(c->grad_in[SC_MLP_BIAS1]),
                 .gweight2 = values(c->grad_in[SC_MLP_WEIGHT2]),
                 .gbias2 = values(c->grad_in[SC_MLP_BIAS2])};
   ScStatus status = run_backward(&b, scratch, chunk);
   sc_buffer_release(scratch);
   return status;
}

SC_KERNEL(cpu, mlp_rows, .dtypes = 1u << SC_F32, .forward = forward, .backward = backward)
