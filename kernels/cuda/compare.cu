#include "kernels/cuda/combine.cuh"

namespace {

enum Relation { EQ, NE, LT, LE, GT, GE };

struct Compare {
   int relation;
   template <typename M> __device__ int64_t operator()(M a, M b) const {
      switch (relation) {
      case EQ: return a == b;
      case NE: return a != b;
      case LT: return a < b;
      case LE: return a <= b;
      case GT: return a > b;
      default: return a >= b;
      }
   }
};

ScStatus forward(ScCall *c, Relation relation) {
   return sc_with_number(c->in[0]->dtype,
                         [&](auto type) { return sc_combine<uint8_t, decltype(type)>(c, Compare{relation}); });
}

} // namespace

#define COMPARE(name, relation)                                                                                \
   static ScStatus forward_##name(ScCall *c) {                                                                 \
      return forward(c, relation);                                                                             \
   }                                                                                                           \
   SC_KERNEL(cuda, name, .dtypes = SC_ALL_DTYPES, .forward = forward_##name, .backward = nullptr)

COMPARE(eq, EQ)
COMPARE(ne, NE)
COMPARE(lt, LT)
COMPARE(le, LE)
COMPARE(gt, GT)
COMPARE(ge, GE)
