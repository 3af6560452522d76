// Everything that depends on which of cuDNN's two interfaces convolutions use is in this file and
// conv_describe.
//
// It is the classic one (cudnnConvolutionForward and its kin), which cuDNN 9 still ships and documents, marked
// as to be replaced by the graph interface, whose engines are tried, refused or compiled at run time depending
// on card and version: it waits until there is a card to try it on.
#include "kernels/cuda/conv_algorithm.h"

#include "host/core/choices.h"

// Without an activation cuDNN goes on after one algorithm alone.
static bool can_be(ScPlanKind kind, int algorithm) {
   return kind != SC_PLAN_FORWARD_ADD || algorithm == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
}

bool sc_conv_same_choice(const ScConvChoice *a, const ScConvChoice *b) {
   return a->algorithm == b->algorithm && a->math == b->math;
}

void sc_conv_add_choice(ScConvChoices *to, ScPlanKind kind, ScConvChoice choice) {
   if (to->n == SC_CONV_MOST_CHOICES || !can_be(kind, choice.algorithm)) return;
   for (int i = 0; i < to->n; i++)
      if (sc_conv_same_choice(&to->choice[i], &choice)) return;
   to->choice[to->n++] = choice;
}

// Where f32 must not be rounded its entries are taken as those of that math.
static cudnnMathType_t math_of(ScDtype dtype, cudnnMathType_t listed) {
   return dtype == SC_F32 && !sc_choices()->tf32_convolutions ? CUDNN_FMA_MATH : listed;
}

#define ADD_CHOICES(found, count)                                                                              \
   for (int pass = 0; pass < (sc_choices()->deterministic ? 1 : 2); pass++)                                    \
      for (int i = 0; i < (count); i++)                                                                        \
         if ((found)[i].status == CUDNN_STATUS_SUCCESS &&                                                      \
             ((found)[i].determinism == CUDNN_DETERMINISTIC) == (pass == 0))                                   \
   sc_conv_add_choice(to, sc_conv_search_kind(d->kind),                                                        \
                      (ScConvChoice){.algorithm = (int)(found)[i].algo,                                        \
                                     .math = math_of(dtype, (found)[i].mathType),                              \
                                     .workspace = (found)[i].memory})

// What a query found, or nothing where it was refused.
#define ADD_FOUND(type, query)                                                                                 \
   do {                                                                                                        \
      type found[SC_CONV_MOST_CHOICES];                                                                        \
      int n = 0;                                                                                               \
      status = (query);                                                                                        \
      if (status != CUDNN_STATUS_SUCCESS) n = 0;                                                               \
      ADD_CHOICES(found, n);                                                                                   \
   } while (0)

// Whatever ran last, which left its own math.
static cudnnStatus_t ask_for_all(const ScConvDescription *d, ScDtype dtype) {
   return cudnnSetConvolutionMathType(d->conv, sc_conv_math(dtype));
}

cudnnStatus_t sc_conv_rank(cudnnHandle_t dnn, const ScConvDescription *d, ScDtype dtype, ScConvChoices *to) {
   enum { MOST = SC_CONV_MOST_CHOICES };
   cudnnStatus_t status = ask_for_all(d, dtype);
   if (status != CUDNN_STATUS_SUCCESS) return status;
   switch (sc_conv_search_kind(d->kind)) {
   case SC_PLAN_INPUT_GRAD:
      ADD_FOUND(cudnnConvolutionBwdDataAlgoPerf_t,
                cudnnGetConvolutionBackwardDataAlgorithm_v7(dnn, d->w, d->y, d->conv, d->x, MOST, &n, found));
      break;
   case SC_PLAN_WEIGHT_GRAD:
      ADD_FOUND(cudnnConvolutionBwdFilterAlgoPerf_t,
                cudnnGetConvolutionBackwardFilterAlgorithm_v7(dnn, d->x, d->y, d->conv, d->w, MOST, &n, found));
      break;
   default:
      ADD_FOUND(cudnnConvolutionFwdAlgoPerf_t,
                cudnnGetConvolutionForwardAlgorithm_v7(dnn, d->x, d->w, d->conv, d->y, MOST, &n, found));
   }
   return status;
}

void sc_conv_time(cudnnHandle_t dnn, const ScConvDescription *d, ScDtype dtype, ScConvSides s, void *workspace,
                  size_t bytes, ScConvChoices *to) {
   enum { MOST = SC_CONV_MOST_CHOICES };
   cudnnStatus_t status = ask_for_all(d, dtype);
   if (status != CUDNN_STATUS_SUCCESS) return;
   switch (sc_conv_search_kind(d->kind)) {
   case SC_PLAN_INPUT_GRAD:
      ADD_FOUND(cudnnConvolutionBwdDataAlgoPerf_t,
                cudnnFindConvolutionBackwardDataAlgorithmEx(dnn, d->w, s.w, d->y, s.y, d->conv, d->x, s.x, MOST,
                                                            &n, found, workspace, bytes));
      return;
   case SC_PLAN_WEIGHT_GRAD:
      ADD_FOUND(cudnnConvolutionBwdFilterAlgoPerf_t,
                cudnnFindConvolutionBackwardFilterAlgorithmEx(dnn, d->x, s.x, d->y, s.y, d->conv, d->w, s.w,
                                                              MOST, &n, found, workspace, bytes));
      return;
   default:
      ADD_FOUND(cudnnConvolutionFwdAlgoPerf_t,
                cudnnFindConvolutionForwardAlgorithmEx(dnn, d->x, s.x, d->w, s.w, d->conv, d->y, s.y, MOST, &n,
                                                       found, workspace, bytes));
   }
}

static cudnnStatus_t forward_and_on(cudnnHandle_t dnn, const ScConvDescription *d, const ScConvChoice *choice,
                                    ScConvSides s, void *workspace) {
   const float one = 1, zero = 0;
   const void *residual = s.residual ? s.residual : s.y; // times 0: it is not read
   return cudnnConvolutionBiasActivationForward(
       dnn, &one, d->x, s.x, d->w, s.w, d->conv, (cudnnConvolutionFwdAlgo_t)choice->algorithm, workspace,
       choice->workspace, s.residual ? &one : &zero, d->y, residual, d->shift, s.shift, d->act, d->y, s.y);
}

cudnnStatus_t sc_conv_execute(cudnnHandle_t dnn, const ScConvDescription *d, const ScConvChoice *choice,
                              ScConvSides s, void *workspace, bool add) {
   const float one = 1, beta = add ? 1 : 0;
   size_t bytes = choice->workspace;
   cudnnStatus_t status = cudnnSetConvolutionMathType(d->conv, choice->math);
   if (status != CUDNN_STATUS_SUCCESS) return status;
   switch (d->kind) {
   case SC_PLAN_FORWARD:
      return cudnnConvolutionForward(dnn, &one, d->x, s.x, d->w, s.w, d->conv,
                                     (cudnnConvolutionFwdAlgo_t)choice->algorithm, workspace, bytes, &beta,
                                     d->y, s.y);
   case SC_PLAN_INPUT_GRAD:
      return cudnnConvolutionBackwardData(dnn, &one, d->w, s.w, d->y, s.y, d->conv,
                                          (cudnnConvolutionBwdDataAlgo_t)choice->algorithm, workspace, bytes,
                                          &beta, d->x, s.x);
   case SC_PLAN_WEIGHT_GRAD:
      return cudnnConvolutionBackwardFilter(dnn, &one, d->x, s.x, d->y, s.y, d->conv,
                                            (cudnnConvolutionBwdFilterAlgo_t)choice->algorithm, workspace,
                                            bytes, &beta, d->w, s.w);
   default: return forward_and_on(dnn, d, choice, s, workspace);
   }
}
