// Inside libcudnn only: one convolution, checked.
#ifndef SOFTGPU_CONVOLUTION_H
#define SOFTGPU_CONVOLUTION_H

#include "dnn.h"

namespace sg {

enum class Pass { forward, data, filter };

struct Problem {
   Pass pass;
   Tensor x, y; // or their gradients
   Filter w;
   Convolution conv;
   Type type;
   bool tf32; // inputs are rounded as tensor cores do
   int out_h() const;
   int out_w() const;
};

// BAD_PARAM and NOT_SUPPORTED as the documentation of the convolution functions lists them.
cudnnStatus_t check_problem(Problem &, Pass, const Tensor &x, const Filter &w, const Convolution &,
                            const Tensor &y);

// Algorithms by number, as in the enums of each pass.
int algorithm_count(Pass);
bool algorithm_supported(const Problem &, int algorithm);
// With the descriptor's math type, which belongs to it: tensor cores need more.
size_t algorithm_workspace(const Problem &, int algorithm);
bool algorithm_deterministic(Pass, int algorithm);
// What an algorithm that is listed says when it comes to run: there is one whose shape is not what the
// heuristics thought.
cudnnStatus_t algorithm_failure(const Problem &, int algorithm);
// SUCCESS, or NOT_SUPPORTED where this algorithm cannot do it.
cudnnStatus_t known_algorithm(const Problem &, int algorithm);
// bfloat16 came with compute capability 8.0.
bool type_on_device(const Problem &);

struct Listed {
   int algorithm;
   cudnnMathType_t math;
   cudnnStatus_t status;
   size_t memory;
   float time; // as it would be measured; the heuristics rank otherwise
};
// As the heuristics rank them: most algorithms twice, with another math type and workspace. Those that cannot
// do it come last.
std::vector<Listed> list_algorithms(const Problem &);

struct Operands {
   const void *x, *w, *y; // the one that the pass computes is written to
   double alpha, beta;
   bool reversed; // sums run in another order
   // of cudnnConvolutionBiasActivationForward
   const void *bias, *z;
   double alpha_z;
   bool relu;
};

void compute_convolution(const Problem &, const Operands &);

// ---- what the functions on convolutions begin with ----

cudnnStatus_t prepare(const char *name, Pass, cudnnHandle_t, cudnnTensorDescriptor_t x,
                      cudnnFilterDescriptor_t w, cudnnConvolutionDescriptor_t, cudnnTensorDescriptor_t y,
                      std::shared_ptr<Dnn> *, Problem *);
size_t tensor_bytes(const Problem &, const Tensor &);
// Live device memory, large and aligned enough; if not, violations.
bool operands_usable(const char *name, const Problem &, const Operands &);

#define PREPARE(name, pass, x, w, conv, y)                                                                     \
   DNN_CALL(name);                                                                                             \
   std::shared_ptr<Dnn> dnn;                                                                                   \
   Problem p;                                                                                                  \
   cudnnStatus_t status = prepare(name, pass, handle, x, w, conv, y, &dnn, &p);                                \
   if (status != CUDNN_STATUS_SUCCESS) return call.done(status)

#define BAD(text) return refuse(CUDNN_STATUS_BAD_PARAM, text)

} // namespace sg

#endif
