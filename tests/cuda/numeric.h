// Arithmetic of the software cuBLAS and cuDNN: element types as float, and a matrix product that vectorises.
#ifndef SOFTGPU_NUMERIC_H
#define SOFTGPU_NUMERIC_H

#include <cstddef>
#include <cstdint>

namespace sg {

enum class Type { f32, f64, f16, bf16 };

size_t size_of(Type);

// n elements, `step` elements apart in memory, to and from contiguous floats; rounding is to nearest even.
void to_float(float *out, const void *from, Type, size_t n, ptrdiff_t step = 1);
void from_float(void *to, Type, const float *values, size_t n, ptrdiff_t step = 1);

// The mantissa cut to the 10 bits that TF32 keeps, to nearest even.
void round_to_tf32(float *values, size_t n);

// c(i, j) += sum over p of a(i, p) * b(p, j), with a at [p * lda + i], b at [j * ldb + p], c at [j * ldc + i].
template <class T>
void multiply(size_t m, size_t n, size_t k, const T *a, size_t lda, const T *b, size_t ldb, T *c, size_t ldc);

} // namespace sg

#endif
