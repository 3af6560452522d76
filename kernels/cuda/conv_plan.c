// Everything that depends on which of cuDNN's two interfaces convolutions use is in this file.
//
// It is the classic one (cudnnConvolutionForward and its kin), which cuDNN 9 still ships and documents, marked
// as to be replaced by the graph interface. Why not the graph: what it would bring is bias, residual and
// activation fused into the convolution, which a kernel after it does in one pass over memory; what it costs is
// engine configurations that are tried, refused or compiled at run time depending on card and version, and its
// failures show only there. The classic calls rank their few algorithms themselves and answer for every shape.
// When someone with a card wants the last tenth, this is the file to write anew.
#include "kernels/cuda/conv_plan.h"

#include <stdlib.h>
#include <string.h>

#include "host/core/choices.h"
#include "kernels/cuda/libraries.h"
#include "kernels/cuda/workspace.h"

enum { WORDS = 21, BUCKETS = 256, MOST_PLANS = 2048, MOST_CHOICES = 16 };

typedef struct {
   int algorithm;
   size_t workspace;
   cudnnMathType_t math;
} Choice;

// A convolution's descriptors, and the algorithms for it from the best to the worst. Those before `first` were
// refused when it came to running them.
typedef struct Plan {
   struct Plan *next;
   int64_t key[WORDS];
   cudnnTensorDescriptor_t x, y;
   cudnnFilterDescriptor_t w;
   cudnnConvolutionDescriptor_t conv;
   int first, n;
   Choice choice[MOST_CHOICES];
} Plan;

static void make_key(int64_t key[WORDS], ScPlanKind kind, ScDtype dtype, const ScConv *g) {
   const int64_t words[WORDS] = {kind,
                                 dtype,
                                 sc_choices()->deterministic,
                                 sc_choices()->tf32,
                                 g->n,
                                 g->c,
                                 g->h,
                                 g->w,
                                 g->o,
                                 g->oh,
                                 g->ow,
                                 g->kh,
                                 g->kw,
                                 g->sh,
                                 g->sw,
                                 g->ph,
                                 g->pw,
                                 g->dh,
                                 g->dw,
                                 g->groups};
   memcpy(key, words, sizeof words);
}

static ScPlanKind kind_of(const Plan *plan) {
   return (ScPlanKind)plan->key[0];
}

// ---- descriptors ----

static cudnnDataType_t data_type(ScDtype dtype) {
   return dtype == SC_F16 ? CUDNN_DATA_HALF : dtype == SC_BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

// The default lets cuDNN round f32 to TensorFloat-32.
static cudnnMathType_t math_type(ScDtype dtype) {
   if (dtype != SC_F32) return CUDNN_TENSOR_OP_MATH;
   return sc_choices()->tf32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH;
}

static cudnnStatus_t describe_image(cudnnTensorDescriptor_t *out, ScDtype dtype, int64_t n, int64_t c,
                                    int64_t h, int64_t w) {
   cudnnStatus_t status = cudnnCreateTensorDescriptor(out);
   if (status != CUDNN_STATUS_SUCCESS) return status;
   return cudnnSetTensor4dDescriptor(*out, CUDNN_TENSOR_NHWC, data_type(dtype), (int)n, (int)c, (int)h, (int)w);
}

static cudnnStatus_t describe_filter(cudnnFilterDescriptor_t *out, ScDtype dtype, const ScConv *g) {
   cudnnStatus_t status = cudnnCreateFilterDescriptor(out);
   if (status != CUDNN_STATUS_SUCCESS) return status;
   return cudnnSetFilter4dDescriptor(*out, data_type(dtype), CUDNN_TENSOR_NHWC, (int)g->o, (int)g->cg,
                                     (int)g->kh, (int)g->kw);
}

static cudnnStatus_t describe_window(cudnnConvolutionDescriptor_t *out, ScDtype dtype, const ScConv *g) {
   cudnnStatus_t status = cudnnCreateConvolutionDescriptor(out);
   if (status == CUDNN_STATUS_SUCCESS)
      status = cudnnSetConvolution2dDescriptor(*out, (int)g->ph, (int)g->pw, (int)g->sh, (int)g->sw, (int)g->dh,
                                               (int)g->dw, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
   if (status == CUDNN_STATUS_SUCCESS) status = cudnnSetConvolutionGroupCount(*out, (int)g->groups);
   if (status == CUDNN_STATUS_SUCCESS) status = cudnnSetConvolutionMathType(*out, math_type(dtype));
   return status;
}

static cudnnStatus_t describe(Plan *plan, ScDtype dtype, const ScConv *g) {
   cudnnStatus_t status = describe_image(&plan->x, dtype, g->n, g->c, g->h, g->w);
   if (status == CUDNN_STATUS_SUCCESS) status = describe_image(&plan->y, dtype, g->n, g->o, g->oh, g->ow);
   if (status == CUDNN_STATUS_SUCCESS) status = describe_filter(&plan->w, dtype, g);
   if (status == CUDNN_STATUS_SUCCESS) status = describe_window(&plan->conv, dtype, g);
   return status;
}

static void destroy(Plan *plan) {
   if (plan->x) cudnnDestroyTensorDescriptor(plan->x);
   if (plan->y) cudnnDestroyTensorDescriptor(plan->y);
   if (plan->w) cudnnDestroyFilterDescriptor(plan->w);
   if (plan->conv) cudnnDestroyConvolutionDescriptor(plan->conv);
   free(plan);
}

// ---- algorithms ----

static void add_choice(Plan *plan, cudnnStatus_t status, Choice choice) {
   if (status == CUDNN_STATUS_SUCCESS && plan->n < MOST_CHOICES) plan->choice[plan->n++] = choice;
}

// First those that repeat their results; the others only if the user does not insist on that. In f32 the math
// is what was asked for, whatever the heuristics would take.
#define ADD_CHOICES(found, count)                                                                              \
   for (int pass = 0; pass < (sc_choices()->deterministic ? 1 : 2); pass++)                                    \
      for (int i = 0; i < (count); i++)                                                                        \
         if (((found)[i].determinism == CUDNN_DETERMINISTIC) == (pass == 0))                                   \
   add_choice(plan, (found)[i].status,                                                                         \
              (Choice){(int)(found)[i].algo, (found)[i].memory,                                                \
                       dtype == SC_F32 ? math_type(dtype) : (found)[i].mathType})

static cudnnStatus_t rank_forward(cudnnHandle_t dnn, Plan *plan, ScDtype dtype) {
   cudnnConvolutionFwdAlgoPerf_t found[MOST_CHOICES];
   int n = 0;
   cudnnStatus_t status = cudnnGetConvolutionForwardAlgorithm_v7(dnn, plan->x, plan->w, plan->conv, plan->y,
                                                                 MOST_CHOICES, &n, found);
   if (status == CUDNN_STATUS_SUCCESS) ADD_CHOICES(found, n);
   return status;
}

static cudnnStatus_t rank_input_grad(cudnnHandle_t dnn, Plan *plan, ScDtype dtype) {
   cudnnConvolutionBwdDataAlgoPerf_t found[MOST_CHOICES];
   int n = 0;
   cudnnStatus_t status = cudnnGetConvolutionBackwardDataAlgorithm_v7(dnn, plan->w, plan->y, plan->conv,
                                                                      plan->x, MOST_CHOICES, &n, found);
   if (status == CUDNN_STATUS_SUCCESS) ADD_CHOICES(found, n);
   return status;
}

static cudnnStatus_t rank_weight_grad(cudnnHandle_t dnn, Plan *plan, ScDtype dtype) {
   cudnnConvolutionBwdFilterAlgoPerf_t found[MOST_CHOICES];
   int n = 0;
   cudnnStatus_t status = cudnnGetConvolutionBackwardFilterAlgorithm_v7(dnn, plan->x, plan->y, plan->conv,
                                                                        plan->w, MOST_CHOICES, &n, found);
   if (status == CUDNN_STATUS_SUCCESS) ADD_CHOICES(found, n);
   return status;
}

static cudnnStatus_t rank_algorithms(cudnnHandle_t dnn, Plan *plan, ScDtype dtype) {
   switch (kind_of(plan)) {
   case SC_PLAN_FORWARD: return rank_forward(dnn, plan, dtype);
   case SC_PLAN_INPUT_GRAD: return rank_input_grad(dnn, plan, dtype);
   default: return rank_weight_grad(dnn, plan, dtype);
   }
}

static cudnnStatus_t execute(cudnnHandle_t dnn, const Plan *plan, const Choice *choice, ScConvSides s,
                             void *workspace) {
   const float one = 1, zero = 0;
   size_t bytes = choice->workspace;
   switch (kind_of(plan)) {
   case SC_PLAN_FORWARD:
      return cudnnConvolutionForward(dnn, &one, plan->x, s.x, plan->w, s.w, plan->conv,
                                     (cudnnConvolutionFwdAlgo_t)choice->algorithm, workspace, bytes, &zero,
                                     plan->y, s.y);
   case SC_PLAN_INPUT_GRAD:
      return cudnnConvolutionBackwardData(dnn, &one, plan->w, s.w, plan->y, s.y, plan->conv,
                                          (cudnnConvolutionBwdDataAlgo_t)choice->algorithm, workspace, bytes,
                                          &zero, plan->x, s.x);
   default:
      return cudnnConvolutionBackwardFilter(dnn, &one, plan->x, s.x, plan->y, s.y, plan->conv,
                                            (cudnnConvolutionBwdFilterAlgo_t)choice->algorithm, workspace,
                                            bytes, &zero, plan->w, s.w);
   }
}

// ---- the cache ----

typedef struct {
   int count;
   Plan *bucket[BUCKETS];
} Plans;

static Plans caches[SC_MAXDEVICES];

static Plan **bucket_of(Plans *plans, const int64_t key[WORDS]) {
   uint64_t h = 1469598103934665603u;
   for (int i = 0; i < WORDS; i++) h = (h ^ (uint64_t)key[i]) * 1099511628211u, h ^= h >> 29;
   return &plans->bucket[h % BUCKETS];
}

static void drop_all(Plans *plans) {
   for (int i = 0; i < BUCKETS; i++)
      while (plans->bucket[i]) {
         Plan *dead = plans->bucket[i];
         plans->bucket[i] = dead->next;
         destroy(dead);
      }
   plans->count = 0;
}

void sc_conv_plans_drop(const ScDevice *device) {
   drop_all(&caches[device->index]);
}

static ScStatus new_plan(Plan **out, cudnnHandle_t dnn, const char *what, const int64_t key[WORDS],
                         ScDtype dtype, const ScConv *g) {
   Plan *plan = calloc(1, sizeof *plan);
   if (!plan) return sc_fail(SC_EMEM, "out of memory");
   memcpy(plan->key, key, sizeof plan->key);
   cudnnStatus_t status = describe(plan, dtype, g);
   if (status == CUDNN_STATUS_SUCCESS) status = rank_algorithms(dnn, plan, dtype);
   if (status != CUDNN_STATUS_SUCCESS) {
      destroy(plan);
      return sc_cudnn_status(status, what);
   }
   *out = plan;
   return SC_OK;
}

static ScStatus find_plan(Plan **out, Plans *plans, cudnnHandle_t dnn, const char *what, ScPlanKind kind,
                          ScDtype dtype, const ScConv *g) {
   int64_t key[WORDS];
   make_key(key, kind, dtype, g);
   for (*out = *bucket_of(plans, key); *out; *out = (*out)->next)
      if (memcmp((*out)->key, key, sizeof key) == 0) return SC_OK;
   SC_TRY(new_plan(out, dnn, what, key, dtype, g));
   if (plans->count == MOST_PLANS) drop_all(plans);
   Plan **bucket = bucket_of(plans, key);
   (*out)->next = *bucket;
   *bucket = *out;
   plans->count++;
   return SC_OK;
}

// ---- running ----

static ScStatus none_left(const char *what, ScPlanKind kind, ScDtype dtype, const ScConv *g) {
   static const char *const names[] = {"forward", "input gradient", "weight gradient"};
   if (dtype != SC_F32) return SC_EUNSUPPORTED;
   return sc_fail(SC_EDEVICE,
                  "%s: cuDNN has no %salgorithm (%s) for %lld -> %lld channels in %lld groups, kernel %lld x "
                  "%lld, stride {%lld, %lld}, dilation {%lld, %lld}, input %lld x %lld x %lld%s",
                  what, sc_choices()->deterministic ? "deterministic " : "", names[kind], (long long)g->c,
                  (long long)g->o, (long long)g->groups, (long long)g->kh, (long long)g->kw, (long long)g->sh,
                  (long long)g->sw, (long long)g->dh, (long long)g->dw, (long long)g->n, (long long)g->h,
                  (long long)g->w,
                  sc_choices()->deterministic ? "; scute.deterministic(false) permits others" : "");
}

static bool is_refused(cudnnStatus_t status) {
   return status / 1000 == CUDNN_STATUS_NOT_SUPPORTED / 1000;
}

// From the best algorithm on: one for which memory does not suffice gives way to one that needs less this time,
// one that is refused is not asked again.
ScStatus sc_conv_run(const ScDevice *device, const char *what, ScPlanKind kind, ScDtype dtype, const ScConv *g,
                     ScConvSides sides) {
   cudnnHandle_t dnn;
   Plan *plan;
   ScStatus last = SC_OK;
   SC_TRY(sc_cuda_dnn(device, &dnn));
   SC_TRY(find_plan(&plan, &caches[device->index], dnn, what, kind, dtype, g));
   for (int i = plan->first; i < plan->n; i++) {
      const Choice *choice = &plan->choice[i];
      void *workspace = NULL;
      last = choice->workspace ? sc_cuda_workspace(device, choice->workspace, &workspace) : SC_OK;
      if (last == SC_EMEM) continue;
      if (last != SC_OK) return last;
      SC_CUDNN_TRY(cudnnSetConvolutionMathType(plan->conv, choice->math), what);
      cudnnStatus_t status = execute(dnn, plan, choice, sides, workspace);
      if (!is_refused(status)) return sc_cudnn_status(status, what);
      if (i == plan->first) plan->first++;
   }
   return last == SC_EMEM ? last : none_left(what, kind, dtype, g);
}
