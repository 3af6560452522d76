#include "host/core/dtype.h"

#include <string.h>

static const struct {
   const char *name;
   size_t size;
   const char *others; // further spellings, each between spaces
} dtypes[SC_NDTYPE] = {
    [SC_F32] = {"f32", 4, " float32 float "},  [SC_F64] = {"f64", 8, " float64 double "},
    [SC_F16] = {"f16", 2, " float16 half "},   [SC_BF16] = {"bf16", 2, " bfloat16 "},
    [SC_I64] = {"i64", 8, " int64 long int "}, [SC_U8] = {"u8", 1, " uint8 byte "},
};

const char *sc_dtype_name(ScDtype dtype) {
   return dtypes[dtype].name;
}

size_t sc_dtype_size(ScDtype dtype) {
   return dtypes[dtype].size;
}

bool sc_dtype_is_float(ScDtype dtype) {
   return dtype <= SC_BF16;
}

bool sc_dtype_is_half(ScDtype dtype) {
   return dtype == SC_F16 || dtype == SC_BF16;
}

ScDtype sc_wide_dtype(ScDtype dtype) {
   return sc_dtype_is_half(dtype) ? SC_F32 : dtype;
}

bool sc_dtype_parse(const char *name, ScDtype *out) {
   size_t length = strlen(name);
   if (strchr(name, ' ')) return false;
   for (int i = 0; i < SC_NDTYPE; i++) {
      const char *at = strstr(dtypes[i].others, name);
      bool other = length > 0 && at && at[-1] == ' ' && at[length] == ' ';
      if (other || strcmp(name, dtypes[i].name) == 0) {
         *out = (ScDtype)i;
         return true;
      }
   }
   return false;
}

static uint32_t float_bits(float value) {
   uint32_t bits;
   memcpy(&bits, &value, sizeof bits);
   return bits;
}

static float bits_float(uint32_t bits) {
   float value;
   memcpy(&value, &bits, sizeof value);
   return value;
}

uint16_t sc_f32_to_bf16(float value) {
   uint32_t bits = float_bits(value);
   if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40); // NaN stays NaN
   return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float sc_bf16_to_f32(uint16_t half) {
   return bits_float((uint32_t)half << 16);
}

// The additions let the FPU round to nearest even at the position of the target's last bit.
uint16_t sc_f32_to_f16(float value) {
   uint32_t bits = float_bits(value), sign = bits >> 16 & 0x8000;
   bits &= 0x7fffffff;
   if (bits > 0x7f800000) return (uint16_t)(sign | 0x7e00);
   if (bits >= 0x477ff000) return (uint16_t)(sign | 0x7c00); // rounds to 65520 or more: infinity
   if (bits < 0x38800000) {                                  // subnormal in f16
      float shifted = bits_float(bits) + 0.5f;
      return (uint16_t)(sign | (float_bits(shifted) - 0x3f000000));
   }
   bits += 0xc8000fff + (bits >> 13 & 1);
   return (uint16_t)(sign | bits >> 13);
}

float sc_f16_to_f32(uint16_t half) {
   uint32_t sign = (uint32_t)(half & 0x8000) << 16, rest = half & 0x7fff;
   if (rest >= 0x7c00) return bits_float(sign | 0x7f800000 | (rest & 0x3ff) << 13);
   if (rest < 0x400) return bits_float(sign | float_bits((float)rest * 0x1p-24f));
   return bits_float(sign | ((rest << 13) + 0x38000000));
}

double sc_load(ScDtype dtype, const void *data, int64_t index) {
   switch (dtype) {
   case SC_F32: return ((const float *)data)[index];
   case SC_F64: return ((const double *)data)[index];
   case SC_F16: return sc_f16_to_f32(((const uint16_t *)data)[index]);
   case SC_BF16: return sc_bf16_to_f32(((const uint16_t *)data)[index]);
   case SC_I64: return (double)((const int64_t *)data)[index];
   default: return ((const uint8_t *)data)[index];
   }
}

static int64_t to_integer(double value, double low, double high) {
   if (value != value) return 0;
   if (value <= low) return (int64_t)low;
   return value >= high ? (int64_t)(high >= 0x1p63 ? INT64_MAX : (int64_t)high) : (int64_t)value;
}

void sc_store(ScDtype dtype, void *data, int64_t index, double value) {
   switch (dtype) {
   case SC_F32: ((float *)data)[index] = (float)value; break;
   case SC_F64: ((double *)data)[index] = value; break;
   case SC_F16: ((uint16_t *)data)[index] = sc_f32_to_f16((float)value); break;
   case SC_BF16: ((uint16_t *)data)[index] = sc_f32_to_bf16((float)value); break;
   case SC_I64: ((int64_t *)data)[index] = to_integer(value, -0x1p63, 0x1p63); break;
   default: ((uint8_t *)data)[index] = (uint8_t)to_integer(value, 0, 255);
   }
}

void sc_convert(ScDtype to_dtype, void *to, ScDtype from_dtype, const void *from, int64_t n) {
   if (to_dtype == from_dtype) {
      memcpy(to, from, (size_t)n * sc_dtype_size(to_dtype));
   } else if (to_dtype == SC_F32 && from_dtype == SC_BF16) {
      for (int64_t i = 0; i < n; i++) ((float *)to)[i] = sc_bf16_to_f32(((const uint16_t *)from)[i]);
   } else if (to_dtype == SC_BF16 && from_dtype == SC_F32) {
      for (int64_t i = 0; i < n; i++) ((uint16_t *)to)[i] = sc_f32_to_bf16(((const float *)from)[i]);
   } else if (to_dtype == SC_F32 && from_dtype == SC_U8) {
      for (int64_t i = 0; i < n; i++) ((float *)to)[i] = ((const uint8_t *)from)[i];
   } else if (to_dtype == SC_F64 && from_dtype == SC_F32) {
      for (int64_t i = 0; i < n; i++) ((double *)to)[i] = ((const float *)from)[i];
   } else {
      for (int64_t i = 0; i < n; i++) sc_store(to_dtype, to, i, sc_load(from_dtype, from, i));
   }
}
