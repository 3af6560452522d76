#include "kernels/cpu/conv_plan.h"

#include <string.h>

#include "kernels/cpu/activation.h"

enum { KIND_OF_REORDER = 16 }; // in keys, added to the kind of plan that it serves

static ScKey plan_key(const ScPlan *plan) {
   const ScConv *g = &plan->g;
   return (ScKey){{1,          plan->kind,     g->n,      g->c,        g->h,  g->w,  g->o,  g->kh,
                   g->kw,      g->sh,          g->sw,     g->ph,       g->pw, g->dh, g->dw, g->groups,
                   plan->bias, plan->residual, plan->act, plan->dtype, g->oh, g->ow}};
}

// ---- layouts ----

static dnnl_data_type_t type_of(ScDtype dtype) {
   return dtype == SC_BF16 ? dnnl_bf16 : dnnl_f32;
}

static dnnl_status_t activations(dnnl_memory_desc_t *out, const ScPlan *plan, int64_t c, int64_t h, int64_t w) {
   return sc_dnnl.memory_desc_create_with_tag(out, 4, (dnnl_dims_t){plan->g.n, c, h, w}, type_of(plan->dtype),
                                              dnnl_nhwc);
}

static dnnl_status_t vector(dnnl_memory_desc_t *out, int64_t n) {
   return sc_dnnl.memory_desc_create_with_tag(out, 1, (dnnl_dims_t){n}, dnnl_f32, dnnl_a);
}

static dnnl_status_t any_weights(dnnl_memory_desc_t *out, const ScPlan *plan) {
   const ScConv *g = &plan->g;
   dnnl_data_type_t type = type_of(plan->dtype);
   if (g->groups > 1)
      return sc_dnnl.memory_desc_create_with_tag(out, 5, (dnnl_dims_t){g->groups, g->og, g->cg, g->kh, g->kw},
                                                 type, dnnl_format_tag_any);
   return sc_dnnl.memory_desc_create_with_tag(out, 4, (dnnl_dims_t){g->o, g->c, g->kh, g->kw}, type,
                                              dnnl_format_tag_any);
}

// As tensors lie: (O, KH, KW, C / groups).
static dnnl_status_t plain_weights(dnnl_memory_desc_t *out, const ScConv *g, dnnl_data_type_t type) {
   int64_t row = g->kw * g->cg, filter = g->kh * row;
   if (g->groups > 1)
      return sc_dnnl.memory_desc_create_with_strides(out, 5,
                                                     (dnnl_dims_t){g->groups, g->og, g->cg, g->kh, g->kw}, type,
                                                     (dnnl_dims_t){g->og * filter, filter, 1, row, g->cg});
   return sc_dnnl.memory_desc_create_with_strides(out, 4, (dnnl_dims_t){g->o, g->c, g->kh, g->kw}, type,
                                                  (dnnl_dims_t){filter, 1, row, g->cg});
}

typedef struct {
   dnnl_memory_desc_t x, weights, bias, y;
} Layouts;

static void free_layouts(Layouts *l) {
   dnnl_memory_desc_t all[] = {l->x, l->weights, l->bias, l->y};
   for (int i = 0; i < 4; i++)
      if (all[i]) dnnl_memory_desc_destroy(all[i]);
}

static dnnl_status_t make_layouts(Layouts *l, const ScPlan *plan) {
   const ScConv *g = &plan->g;
   *l = (Layouts){0};
   dnnl_status_t status = activations(&l->x, plan, g->c, g->h, g->w);
   if (status == dnnl_success) status = any_weights(&l->weights, plan);
   if (status == dnnl_success && plan->bias) status = vector(&l->bias, g->o);
   if (status == dnnl_success) status = activations(&l->y, plan, g->o, g->oh, g->ow);
   if (status != dnnl_success) free_layouts(l);
   return status;
}

// ---- primitives ----

typedef struct {
   dnnl_dims_t stride, dilation, before, after;
} Window;

// oneDNN wants the padding behind the last row that a window reaches, which may be less than the declared one.
static int64_t padding_after(int64_t size, int64_t out, int64_t kernel, int64_t stride, int64_t padding,
                             int64_t dilation) {
   return (out - 1) * stride + dilation * (kernel - 1) + 1 - size - padding;
}

static Window window_of(const ScConv *g) {
   return (Window){.stride = {g->sh, g->sw},
                   .dilation = {g->dh - 1, g->dw - 1},
                   .before = {g->ph, g->pw},
                   .after = {padding_after(g->h, g->oh, g->kh, g->sh, g->ph, g->dh),
                             padding_after(g->w, g->ow, g->kw, g->sw, g->pw, g->dw)}};
}

static bool is_depthwise(const ScConv *g) {
   return g->groups > 1 && g->cg == 1 && g->og == 1;
}

// Of depthwise convolutions in bf16 only the plain implementation is fast: others take up to a hundred times as
// long as f32 does (oneDNN 3.2). Without it f32 is used. The gradient of 1 x 1 filters that first gathers the
// pixels a stride reaches goes past them where channels fill no block: it spoils the heap (oneDNN 3.2, AVX2).
static bool is_fit(const ScPlan *plan, const char *name) {
   const ScConv *g = &plan->g;
   bool gathers = g->kh == 1 && g->kw == 1 && (g->sh > 1 || g->sw > 1) && g->cg % 16 != 0;
   if (plan->kind == SC_PLAN_WEIGHT_GRAD && gathers) return strncmp(name, "jit_1x1", 7) != 0;
   return plan->dtype == SC_F32 || !is_depthwise(g) || strncmp(name, "jit_dw", 6) == 0;
}

static dnnl_status_t want_fit(dnnl_primitive_desc_t desc, const ScPlan *plan) {
   const char *name = "";
   dnnl_status_t status = dnnl_success;
   while (status == dnnl_success) {
      status = dnnl_primitive_desc_query(desc, dnnl_query_impl_info_str, 0, &name);
      if (status != dnnl_success || is_fit(plan, name)) return status;
      status = sc_dnnl.primitive_desc_next_impl(desc);
   }
   return dnnl_unimplemented;
}

static dnnl_status_t describe_forward(dnnl_primitive_desc_t *out, const_dnnl_primitive_attr_t attr,
                                      const ScPlan *plan, const Layouts *l) {
   Window w = window_of(&plan->g);
   return sc_dnnl.convolution_forward_primitive_desc_create(
       out, sc_onednn_engine(), dnnl_forward_training, dnnl_convolution_direct, l->x, l->weights, l->bias, l->y,
       w.stride, w.dilation, w.before, w.after, attr);
}

static dnnl_status_t describe_backward(dnnl_primitive_desc_t *out, const_dnnl_primitive_attr_t attr,
                                       const ScPlan *plan, const Layouts *l) {
   Window w = window_of(&plan->g);
   dnnl_engine_t engine = sc_onednn_engine();
   dnnl_primitive_desc_t forward;
   dnnl_status_t status = describe_forward(&forward, NULL, plan, l);
   if (status != dnnl_success) return status;
   if (plan->kind == SC_PLAN_INPUT_GRAD)
      status = sc_dnnl.convolution_backward_data_primitive_desc_create(
          out, engine, dnnl_convolution_direct, l->x, l->weights, l->y, w.stride, w.dilation, w.before, w.after,
          forward, attr);
   else
      status = sc_dnnl.convolution_backward_weights_primitive_desc_create(
          out, engine, dnnl_convolution_direct, l->x, l->weights, l->bias, l->y, w.stride, w.dilation, w.before,
          w.after, forward, attr);
   if (status == dnnl_success) {
      status = want_fit(*out, plan); // while there is a forward one, which it looks at
      if (status != dnnl_success) dnnl_primitive_desc_destroy(*out);
   }
   dnnl_primitive_desc_destroy(forward);
   return status;
}

static dnnl_status_t describe(dnnl_primitive_desc_t *out, const_dnnl_primitive_attr_t attr, const void *spec) {
   const ScPlan *plan = spec;
   Layouts l;
   dnnl_status_t status = make_layouts(&l, plan);
   if (status != dnnl_success) return status;
   if (plan->kind != SC_PLAN_FORWARD) {
      status = describe_backward(out, attr, plan, &l);
   } else {
      status = describe_forward(out, attr, plan, &l);
      if (status == dnnl_success) {
         status = want_fit(*out, plan);
         if (status != dnnl_success) dnnl_primitive_desc_destroy(*out);
      }
   }
   free_layouts(&l);
   return status;
}

static dnnl_status_t append_act(dnnl_post_ops_t post, ScAct act) {
#define APPEND(name, value, gradient, kind, alpha, beta, right)                                                \
   case SC_ACT_##name: return sc_dnnl.post_ops_append_eltwise(post, dnnl_eltwise_##kind, alpha, beta);
   switch (act) {
      SC_CPU_ACTIVATIONS(APPEND)
   default: return dnnl_success;
   }
}

static dnnl_status_t append_residual(dnnl_post_ops_t post, const ScPlan *plan) {
   dnnl_memory_desc_t layout;
   dnnl_status_t status = activations(&layout, plan, plan->g.o, plan->g.oh, plan->g.ow);
   if (status != dnnl_success) return status;
   status = sc_dnnl.post_ops_append_binary(post, dnnl_binary_add, layout);
   dnnl_memory_desc_destroy(layout);
   return status;
}

static dnnl_status_t make_post_ops(dnnl_post_ops_t *out, const ScPlan *plan) {
   dnnl_status_t status = sc_dnnl.post_ops_create(out);
   if (status != dnnl_success) return status;
   if (plan->residual) status = append_residual(*out, plan);
   if (status == dnnl_success) status = append_act(*out, plan->act);
   if (status != dnnl_success) dnnl_post_ops_destroy(*out);
   return status;
}

static int list_arguments(const ScPlan *plan, int args[SC_PRIMITIVE_ARGS]) {
   static const int fixed[][3] = {{DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
                                  {DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC},
                                  {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST}};
   int n = 3;
   for (int i = 0; i < n; i++) args[i] = fixed[plan->kind][i];
   if (plan->bias) args[n++] = plan->kind == SC_PLAN_FORWARD ? DNNL_ARG_BIAS : DNNL_ARG_DIFF_BIAS;
   if (plan->residual) args[n++] = DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1;
   return n;
}

ScStatus sc_plan_primitive(ScPrimitive **out, const ScPlan *plan) {
   ScKey key = plan_key(plan);
   int args[SC_PRIMITIVE_ARGS], n = list_arguments(plan, args);
   dnnl_post_ops_t post;
   dnnl_status_t status = make_post_ops(&post, plan);
   if (status != dnnl_success) return sc_onednn_failed(status, "fused activation");
   ScStatus result = sc_primitive(out, &key, describe, plan, post, n, args);
   dnnl_post_ops_destroy(post);
   return result;
}

// ---- filters in and out of the primitive's layout ----

static ScStatus reorder_primitive(ScPrimitive **out, const ScPlan *plan, const ScPrimitive *conv, bool pack,
                                  ScDtype dtype) {
   ScKey key = plan_key(plan);
   key.word[1] += KIND_OF_REORDER;
   key.word[SC_KEY_WORDS - 1] = dtype;
   const_dnnl_memory_desc_t packed = sc_primitive_layout(conv, SC_PLAN_WEIGHTS);
   dnnl_memory_desc_t plain;
   dnnl_status_t status = plain_weights(&plain, &plan->g, type_of(dtype));
   if (status != dnnl_success) return sc_onednn_failed(status, "layout");
   ScStatus result = sc_reorder(out, &key, pack ? plain : packed, pack ? packed : plain);
   dnnl_memory_desc_destroy(plain);
   return result;
}

size_t sc_plan_packed_bytes(const ScPrimitive *conv) {
   return dnnl_memory_desc_get_size(sc_primitive_layout(conv, SC_PLAN_WEIGHTS));
}

ScStatus sc_plan_pack(ScBuffer **out, ScDevice *device, const ScPlan *plan, const ScPrimitive *conv,
                      ScDtype dtype, void *plain) {
   ScPrimitive *reorder;
   SC_TRY(reorder_primitive(&reorder, plan, conv, true, dtype));
   SC_TRY(sc_buffer_new(out, device, sc_plan_packed_bytes(conv)));
   ScStatus status = sc_primitive_run(reorder, device, (void *[]){plain, (*out)->data});
   if (status != SC_OK) sc_buffer_release(*out);
   return status;
}

ScStatus sc_plan_unpack(ScDevice *device, const ScPlan *plan, const ScPrimitive *conv, void *packed,
                        void *plain) {
   ScPrimitive *reorder;
   SC_TRY(reorder_primitive(&reorder, plan, conv, false, plan->dtype));
   return sc_primitive_run(reorder, device, (void *[]){packed, plain});
}
