#include "kernels/cpu/gemm.h"

typedef struct {
   int64_t m, n, k;
   bool a_transposed, b_transposed, bias;
} Product;

static dnnl_status_t matrix(dnnl_memory_desc_t *out, int64_t rows, int64_t columns, bool transposed) {
   return sc_dnnl.memory_desc_create_with_tag(out, 2, (dnnl_dims_t){rows, columns}, dnnl_bf16,
                                              transposed ? dnnl_ba : dnnl_ab);
}

static dnnl_status_t describe(dnnl_primitive_desc_t *out, const_dnnl_primitive_attr_t attr, const void *spec) {
   const Product *p = spec;
   dnnl_memory_desc_t a = NULL, b = NULL, c = NULL, bias = NULL;
   dnnl_status_t status = matrix(&a, p->m, p->k, p->a_transposed);
   if (status == dnnl_success) status = matrix(&b, p->k, p->n, p->b_transposed);
   if (status == dnnl_success) status = matrix(&c, p->m, p->n, false);
   if (status == dnnl_success && p->bias)
      status = sc_dnnl.memory_desc_create_with_tag(&bias, 2, (dnnl_dims_t){1, p->n}, dnnl_f32, dnnl_ab);
   if (status == dnnl_success)
      status = sc_dnnl.matmul_primitive_desc_create(out, sc_onednn_engine(), a, b, bias, c, attr);
   dnnl_memory_desc_t all[] = {a, b, c, bias};
   for (int i = 0; i < 4; i++)
      if (all[i]) dnnl_memory_desc_destroy(all[i]);
   return status;
}

ScStatus sc_gemm_half(ScDevice *device, int64_t m, int64_t n, int64_t k, ScHalfMatrix a, ScHalfMatrix b,
                      const float *bias, void *c) {
   Product spec = {m, n, k, a.transposed, b.transposed, bias != NULL};
   ScKey key = {{2, m, n, k, a.transposed, b.transposed, bias != NULL}};
   ScPrimitive *product;
   SC_TRY(sc_primitive(&product, &key, describe, &spec, NULL, bias ? 4 : 3,
                       (int[]){DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_BIAS}));
   return sc_primitive_run(product, device, (void *[]){(void *)a.data, (void *)b.data, c, (void *)bias});
}
