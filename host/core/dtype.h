// The element types: names, sizes and conversions.
#ifndef SCUTE_DTYPE_H
#define SCUTE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/core/api.h"

SC_API_BEGIN

typedef enum { SC_F32, SC_F64, SC_F16, SC_BF16, SC_I64, SC_U8, SC_NDTYPE } ScDtype;

const char *sc_dtype_name(ScDtype); // "f32", "f64", "f16", "bf16", "i64", "u8"
bool sc_dtype_parse(const char *name,
                    ScDtype *out); // also float32, float, double, half, int64, long, uint8, ...
size_t sc_dtype_size(ScDtype);
bool sc_dtype_is_float(ScDtype);
bool sc_dtype_is_half(ScDtype); // f16, bf16
ScDtype sc_wide_dtype(ScDtype); // f32 for the half ones, else the dtype itself

// Element conversions through double, truncating towards zero into integers and saturating there; a NaN becomes
// 0.
double sc_load(ScDtype, const void *data, int64_t index);
void sc_store(ScDtype, void *data, int64_t index, double value);
void sc_convert(ScDtype to_dtype, void *to, ScDtype from_dtype, const void *from, int64_t n);

// Half-width conversions, round to nearest even.
uint16_t sc_f32_to_f16(float);
float sc_f16_to_f32(uint16_t);
uint16_t sc_f32_to_bf16(float);
float sc_bf16_to_f32(uint16_t);

SC_API_END

#endif
