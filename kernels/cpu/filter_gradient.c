#include "kernels/cpu/filter_gradient.h"

#include "kernels/cpu/onednn.h"

static const ScFilterGradientWay *way(bool half) {
   return half ? &sc_filter_gradient_bf16 : &sc_filter_gradient_avx2;
}

bool sc_filter_gradient_fits(const ScConv *g, bool half) {
   bool has_way = half ? sc_cpu_is_wide() && !sc_cpu_has_amx() : sc_cpu_has_fma() && !sc_cpu_is_wide();
   return has_way && way(half)->fits(g);
}

ScStatus sc_filter_gradient(ScDevice *device, const ScFilterGradient *z, bool half) {
   return way(half)->run(device, z);
}
