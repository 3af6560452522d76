// Photos as a decoder leaves them, made into what a network takes, where it computes: bytes take a quarter of
// the way to a GPU that floats take.
#include "host/ops/normalize_photos.h"

#include "host/core/op.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "u8 (N, C, H, W)"},
    {.name = "mean", .kind = SC_TENSOR, .doc = "(C), f32 or f64, of values from 0 to 1"},
    {.name = "std", .kind = SC_TENSOR, .doc = "(C), of the same dtype"},
    {.name = "dtype",
     .kind = SC_DTYPE,
     .optional = true,
     .preset = -1, // absent
     .doc = "of the result: that of mean (the default), f16 or bf16"},
};

static ScStatus check_channel_values(const ScCall *c, int input) {
   const ScTensor *t = c->in[input], *mean = c->in[SC_NORMALIZE_MEAN];
   int64_t channels = c->in[SC_NORMALIZE_X]->shape[1];
   if ((t->dtype == SC_F32 || t->dtype == SC_F64) && t->dtype == mean->dtype && t->rank == 1 &&
       t->shape[0] == channels)
      return SC_OK;
   return sc_fail(SC_EARG, "normalize_photos: argument '%s': expected %s (%lld), found %s %s",
                  sc_input_name(c, input), input == SC_NORMALIZE_MEAN ? "f32 or f64" : "the dtype of mean and",
                  (long long)channels, sc_dtype_name(t->dtype), sc_shape_text(t));
}

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[SC_NORMALIZE_X];
   SC_TRY(sc_want_rank(c, SC_NORMALIZE_X, 4));
   if (x->dtype != SC_U8)
      return sc_fail(SC_EARG, "normalize_photos: argument 'x': expected u8, found %s", sc_dtype_name(x->dtype));
   SC_TRY(check_channel_values(c, SC_NORMALIZE_MEAN));
   SC_TRY(check_channel_values(c, SC_NORMALIZE_STD));
   ScDtype own = c->in[SC_NORMALIZE_MEAN]->dtype;
   ScAttr *dtype = &c->attr[SC_NORMALIZE_DTYPE];
   if (dtype->i < 0) dtype->i = own;
   if (dtype->i != own && !sc_dtype_is_half((ScDtype)dtype->i))
      return sc_fail(SC_EARG,
                     "normalize_photos: argument 'dtype': expected %s (that of mean), f16 or bf16, found %s",
                     sc_dtype_name(own), sc_dtype_name((ScDtype)dtype->i));
   return sc_describe(c, 0, (ScDtype)dtype->i, 4, x->shape);
}

SC_OP(normalize_photos,
      .doc = "(x / 255 - mean) / std for each channel, as torchvision's ToTensor and Normalize. Bytes have no "
             "gradient, so neither has this.",
      SC_PARAMS(params), .any_dtype = true, .no_method = true, .infer = infer)
