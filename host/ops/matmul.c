// Matrix products of vectors, matrices and batches of matrices.
#include "host/ops/matmul.h"

#include "host/core/dispatch.h"

static const ScParam params[] = {
    {.name = "a", .kind = SC_TENSOR, .doc = "(K), (M, K) or (B, M, K)"},
    {.name = "b", .kind = SC_TENSOR, .doc = "(K), (K, N) or (B, K, N)"},
};

static int64_t from_end(const ScTensor *t, int d) {
   return t->shape[t->rank - d];
}

ScMatmul sc_matmul_geometry(const ScCall *c) {
   const ScTensor *a = c->in[0], *b = c->in[1];
   int64_t batch_a = a->rank == 3 ? a->shape[0] : 1, batch_b = b->rank == 3 ? b->shape[0] : 1;
   ScMatmul g = {.batch = batch_a > batch_b ? batch_a : batch_b,
                 .m = a->rank == 1 ? 1 : from_end(a, 2),
                 .k = from_end(a, 1),
                 .n = b->rank == 1 ? 1 : from_end(b, 1)};
   g.stride_a = batch_a == 1 ? 0 : g.m * g.k;
   g.stride_b = batch_b == 1 ? 0 : g.k * g.n;
   return g;
}

static ScStatus infer(ScCall *c) {
   const ScTensor *a = c->in[0], *b = c->in[1];
   SC_TRY(sc_want_float(c, 0));
   for (int i = 0; i < 2; i++)
      if (c->in[i]->rank < 1 || c->in[i]->rank > 3)
         return sc_fail(SC_EARG, "%s: argument '%s': expected 1 to 3 dimensions, found shape %s", c->op->name,
                        sc_input_name(c, i), sc_shape_text(c->in[i]));
   if (from_end(a, 1) != from_end(b, b->rank == 1 ? 1 : 2))
      return sc_fail(SC_EARG, "%s: argument 'b': expected %lld rows to match shape %s of a, found %s",
                     c->op->name, (long long)from_end(a, 1), sc_shape_text(a), sc_shape_text(b));
   if (a->rank == 3 && b->rank == 3 && a->shape[0] != b->shape[0] && a->shape[0] != 1 && b->shape[0] != 1)
      return sc_fail(SC_EARG, "%s: argument 'b': expected %lld matrices as in a, or one, found shape %s",
                     c->op->name, (long long)a->shape[0], sc_shape_text(b));
   ScMatmul g = sc_matmul_geometry(c);
   int64_t shape[3];
   int rank = 0;
   if (a->rank == 3 || b->rank == 3) shape[rank++] = g.batch;
   if (a->rank > 1) shape[rank++] = g.m;
   if (b->rank > 1) shape[rank++] = g.n;
   return sc_describe(c, 0, a->dtype, rank, shape);
}

static ScStatus forward(ScCall *c) {
   for (int i = 0; i < 2; i++)
      if (!c->needs_grad[1 - i]) c->keep_in &= ~(1u << i);
   return sc_run_kernel(c);
}

static double multiply_adds(const ScCall *c, bool backward) {
   ScMatmul g = sc_matmul_geometry(c);
   int products = backward ? c->needs_grad[0] + c->needs_grad[1] : 1;
   return products * (double)(g.batch * g.m) * (double)(g.n * g.k);
}

SC_OP(matmul,
      .doc = "Matrix product: (M, K) times (K, N) is (M, N); in batches of three dimensions, where one matrix "
             "serves all; a vector "
             "is a row on the left and a column on the right, and its dimension is gone from the result.",
      SC_PARAMS(params), .differentiable = true, .promote = true, .autocast = SC_CAST_HALF, .keep_in = 3,
      .multiply_adds = multiply_adds, .infer = infer, .forward = forward)
