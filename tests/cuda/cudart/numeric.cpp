#include "../numeric.h"
#include <algorithm>
#include <cstring>

namespace sg {

namespace {

float from_bf16(uint16_t x) {
   uint32_t bits = uint32_t(x) << 16;
   float y;
   memcpy(&y, &bits, sizeof y);
   return y;
}

uint16_t to_bf16(float x) {
   uint32_t bits;
   memcpy(&bits, &x, sizeof bits);
   if (x != x) return uint16_t(bits >> 16 | 0x40); // stays a NaN
   return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

template <class S, class F> void convert_in(float *out, const S *from, size_t n, ptrdiff_t step, F &&convert) {
   if (step == 1)
      for (size_t i = 0; i < n; i++) out[i] = convert(from[i]);
   else
      for (size_t i = 0; i < n; i++) out[i] = convert(from[ptrdiff_t(i) * step]);
}

template <class D, class F>
void convert_out(D *to, const float *values, size_t n, ptrdiff_t step, F &&convert) {
   if (step == 1)
      for (size_t i = 0; i < n; i++) to[i] = convert(values[i]);
   else
      for (size_t i = 0; i < n; i++) to[ptrdiff_t(i) * step] = convert(values[i]);
}

} // namespace

size_t size_of(Type type) {
   return type == Type::f64 ? 8 : type == Type::f32 ? 4 : 2;
}

void to_float(float *out, const void *from, Type type, size_t n, ptrdiff_t step) {
   switch (type) {
   case Type::f32: convert_in(out, static_cast<const float *>(from), n, step, [](float x) { return x; }); break;
   case Type::f64:
      convert_in(out, static_cast<const double *>(from), n, step, [](double x) { return float(x); });
      break;
   case Type::f16:
      convert_in(out, static_cast<const _Float16 *>(from), n, step, [](_Float16 x) { return float(x); });
      break;
   case Type::bf16: convert_in(out, static_cast<const uint16_t *>(from), n, step, from_bf16); break;
   }
}

void from_float(void *to, Type type, const float *values, size_t n, ptrdiff_t step) {
   switch (type) {
   case Type::f32: convert_out(static_cast<float *>(to), values, n, step, [](float x) { return x; }); break;
   case Type::f64:
      convert_out(static_cast<double *>(to), values, n, step, [](float x) { return double(x); });
      break;
   case Type::f16:
      convert_out(static_cast<_Float16 *>(to), values, n, step, [](float x) { return _Float16(x); });
      break;
   case Type::bf16: convert_out(static_cast<uint16_t *>(to), values, n, step, to_bf16); break;
   }
}

void round_to_tf32(float *values, size_t n) {
   for (size_t i = 0; i < n; i++) {
      uint32_t bits;
      memcpy(&bits, &values[i], sizeof bits);
      uint32_t rounded = (bits + 0xfff + (bits >> 13 & 1)) & ~uint32_t(0x1fff);
      if ((bits & 0x7f800000) != 0x7f800000) memcpy(&values[i], &rounded, sizeof bits);
   }
}

template <class T>
void multiply(size_t m, size_t n, size_t k, const T *a, size_t lda, const T *b, size_t ldb, T *c, size_t ldc) {
   const size_t columns = 4, rows = 512;
   for (size_t i0 = 0; i0 < m; i0 += rows) {
      const size_t i1 = std::min(m, i0 + rows);
      for (size_t j0 = 0; j0 < n; j0 += columns) {
         const size_t here = std::min(columns, n - j0);
         for (size_t p = 0; p < k; p++) {
            const T *x = a + p * lda;
            for (size_t j = 0; j < here; j++) {
               const T w = b[(j0 + j) * ldb + p];
               T *y = c + (j0 + j) * ldc;
               for (size_t i = i0; i < i1; i++) y[i] += x[i] * w;
            }
         }
      }
   }
}

template void multiply(size_t, size_t, size_t, const float *, size_t, const float *, size_t, float *, size_t);
template void multiply(size_t, size_t, size_t, const double *, size_t, const double *, size_t, double *,
                       size_t);

} // namespace sg
