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
size_t algorithm_workspace(const Problem &, int algorithm);
bool algorithm_deterministic(Pass, int algorithm);
std::vector<int> algorithms_by_speed(Pass); // as the heuristics rank them

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

} // namespace sg

#endif
