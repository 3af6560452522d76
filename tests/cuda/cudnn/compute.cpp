// The arithmetic of a convolution, in float, channels last, by unfolded patches and a matrix product.
#include <algorithm>
#include <cstring>
#include "convolution.h"

namespace sg {

namespace {

// (n, c, h, w) of one image as floats at [(h * W + w) * C + c].
std::vector<float> load_image(const Tensor &t, Type type, const void *data, int n) {
   const int C = t.dims[1], H = t.dims[2], W = t.dims[3];
   std::vector<float> out(size_t(C) * size_t(H) * size_t(W));
   const char *image = static_cast<const char *>(data) + size_t(n) * size_t(t.strides[0]) * size_of(type);
   if (t.channels_last()) {
      to_float(out.data(), image, type, out.size());
      return out;
   }
   for (int h = 0; h < H; h++)
      for (int w = 0; w < W; w++)
         to_float(&out[size_t(h * W + w) * size_t(C)],
                  image + (size_t(h) * size_t(t.strides[2]) + size_t(w) * size_t(t.strides[3])) * size_of(type),
                  type, size_t(C), t.strides[1]);
   return out;
}

void store_image(const Tensor &t, Type type, const void *data, int n, const std::vector<float> &values) {
   const int C = t.dims[1], H = t.dims[2], W = t.dims[3];
   char *image =
       static_cast<char *>(const_cast<void *>(data)) + size_t(n) * size_t(t.strides[0]) * size_of(type);
   if (t.channels_last()) {
      from_float(image, type, values.data(), values.size());
      return;
   }
   for (int h = 0; h < H; h++)
      for (int w = 0; w < W; w++)
         from_float(image +
                        (size_t(h) * size_t(t.strides[2]) + size_t(w) * size_t(t.strides[3])) * size_of(type),
                    type, &values[size_t(h * W + w) * size_t(C)], size_t(C), t.strides[1]);
}

// Where element (k, r, s, c) of the filter lies.
size_t filter_at(const Problem &p, int k, int r, int s, int c) {
   if (p.conv.mode == CUDNN_CONVOLUTION) r = p.w.h - 1 - r, s = p.w.w - 1 - s;
   if (p.w.format == CUDNN_TENSOR_NHWC)
      return size_t(((k * p.w.h + r) * p.w.w + s)) * size_t(p.w.c) + size_t(c);
   return size_t(((k * p.w.c + c) * p.w.h + r)) * size_t(p.w.w) + size_t(s);
}

// As floats at [k * q + (r * S + s) * C + c].
std::vector<float> load_filter(const Problem &p, const void *data) {
   std::vector<float> flat(p.w.count()), out(p.w.count());
   to_float(flat.data(), data, p.type, flat.size());
   size_t at = 0;
   for (int k = 0; k < p.w.k; k++)
      for (int r = 0; r < p.w.h; r++)
         for (int s = 0; s < p.w.w; s++)
            for (int c = 0; c < p.w.c; c++) out[at++] = flat[filter_at(p, k, r, s, c)];
   return out;
}

void store_filter(const Problem &p, const void *data, const std::vector<float> &values,
                  const std::vector<float> &before, const Operands &o) {
   std::vector<float> flat(p.w.count());
   size_t at = 0;
   const float alpha = float(o.alpha), beta = float(o.beta);
   for (int k = 0; k < p.w.k; k++)
      for (int r = 0; r < p.w.h; r++)
         for (int s = 0; s < p.w.w; s++)
            for (int c = 0; c < p.w.c; c++, at++)
               flat[filter_at(p, k, r, s, c)] = alpha * values[at] + (beta != 0 ? beta * before[at] : 0);
   from_float(const_cast<void *>(data), p.type, flat.data(), flat.size());
}

// Calls f(output pixel, tap, input pixel) for each tap that meets the input.
template <class F> void each_tap(const Problem &p, F &&f) {
   const Convolution &v = p.conv;
   const int H = p.x.dims[2], W = p.x.dims[3], OH = p.out_h(), OW = p.out_w();
   for (int oh = 0; oh < OH; oh++)
      for (int ow = 0; ow < OW; ow++)
         for (int r = 0; r < p.w.h; r++)
            for (int s = 0; s < p.w.w; s++) {
               int h = oh * v.stride_h - v.pad_h + r * v.dilation_h,
                   w = ow * v.stride_w - v.pad_w + s * v.dilation_w;
               if (h >= 0 && h < H && w >= 0 && w < W)
                  f(size_t(oh * OW + ow), size_t(r * p.w.w + s), size_t(h * W + w));
            }
}

struct Sizes {
   size_t groups, in, out, channels, taps, q, pixels; // in and out: channels of a group; q: taps * in
};

Sizes sizes(const Problem &p) {
   Sizes z;
   z.groups = size_t(p.conv.groups);
   z.in = size_t(p.w.c), z.out = size_t(p.w.k) / z.groups, z.channels = z.in * z.groups;
   z.taps = size_t(p.w.h * p.w.w), z.q = z.taps * z.in;
   z.pixels = size_t(p.out_h()) * size_t(p.out_w());
   return z;
}

// Patches of one group at [pixel * q + tap * in + c].
std::vector<float> unfold(const Problem &p, const Sizes &z, const std::vector<float> &x, size_t group) {
   std::vector<float> patches(z.pixels * z.q);
   each_tap(p, [&](size_t pixel, size_t tap, size_t at) {
      memcpy(&patches[pixel * z.q + tap * z.in], &x[at * z.channels + group * z.in], z.in * sizeof(float));
   });
   return patches;
}

bool depthwise(const Sizes &z) {
   return z.in == 1 && z.out == 1 && z.groups > 1;
}

// Filter of a depthwise convolution at [tap * groups + g].
std::vector<float> turn_depthwise(const Sizes &z, const std::vector<float> &w, bool back) {
   std::vector<float> out(w.size());
   for (size_t g = 0; g < z.groups; g++)
      for (size_t t = 0; t < z.taps; t++) {
         if (back)
            out[g * z.taps + t] = w[t * z.groups + g];
         else
            out[t * z.groups + g] = w[g * z.taps + t];
      }
   return out;
}

std::vector<float> forward_image(const Problem &p, const Sizes &z, const std::vector<float> &x,
                                 const std::vector<float> &w) {
   const size_t K = z.out * z.groups;
   std::vector<float> y(z.pixels * K);
   if (depthwise(z)) {
      std::vector<float> turned = turn_depthwise(z, w, false);
      each_tap(p, [&](size_t pixel, size_t tap, size_t at) {
         float *to = &y[pixel * K];
         const float *a = &x[at * K], *b = &turned[tap * K];
         for (size_t c = 0; c < K; c++) to[c] += a[c] * b[c];
      });
      return y;
   }
   std::vector<float> turned(z.q * z.out);
   for (size_t g = 0; g < z.groups; g++) {
      for (size_t k = 0; k < z.out; k++)
         for (size_t q = 0; q < z.q; q++) turned[q * z.out + k] = w[(g * z.out + k) * z.q + q];
      std::vector<float> patches = unfold(p, z, x, g);
      multiply<float>(z.out, z.pixels, z.q, turned.data(), z.out, patches.data(), z.q, &y[g * z.out], K);
   }
   return y;
}

std::vector<float> data_image(const Problem &p, const Sizes &z, const std::vector<float> &dy,
                              const std::vector<float> &w) {
   const size_t K = z.out * z.groups;
   std::vector<float> dx(size_t(p.x.dims[2]) * size_t(p.x.dims[3]) * z.channels);
   if (depthwise(z)) {
      std::vector<float> turned = turn_depthwise(z, w, false);
      each_tap(p, [&](size_t pixel, size_t tap, size_t at) {
         float *to = &dx[at * K];
         const float *a = &dy[pixel * K], *b = &turned[tap * K];
         for (size_t c = 0; c < K; c++) to[c] += a[c] * b[c];
      });
      return dx;
   }
   for (size_t g = 0; g < z.groups; g++) {
      std::vector<float> patches(z.pixels * z.q);
      multiply<float>(z.q, z.pixels, z.out, &w[g * z.out * z.q], z.q, &dy[g * z.out], K, patches.data(), z.q);
      each_tap(p, [&](size_t pixel, size_t tap, size_t at) {
         float *to = &dx[at * z.channels + g * z.in];
         const float *from = &patches[pixel * z.q + tap * z.in];
         for (size_t c = 0; c < z.in; c++) to[c] += from[c];
      });
   }
   return dx;
}

void filter_image(const Problem &p, const Sizes &z, const std::vector<float> &x, const std::vector<float> &dy,
                  std::vector<float> &dw, bool reversed) {
   const size_t K = z.out * z.groups;
   if (depthwise(z)) {
      std::vector<float> turned(dw.size());
      each_tap(p, [&](size_t pixel, size_t tap, size_t at) {
         float *to = &turned[tap * K];
         const float *a = &x[at * K], *b = &dy[pixel * K];
         for (size_t c = 0; c < K; c++) to[c] += a[c] * b[c];
      });
      turned = turn_depthwise(z, turned, true);
      for (size_t i = 0; i < dw.size(); i++) dw[i] += turned[i];
      return;
   }
   std::vector<float> turned(z.out * z.pixels);
   for (size_t g = 0; g < z.groups; g++) {
      for (size_t k = 0; k < z.out; k++)
         for (size_t j = 0; j < z.pixels; j++) turned[k * z.pixels + j] = dy[j * K + g * z.out + k];
      std::vector<float> patches = unfold(p, z, x, g);
      const size_t half = reversed ? z.pixels / 2 : 0; // the second half first: another order of the same sum
      float *to = &dw[g * z.out * z.q];
      multiply<float>(z.q, z.out, z.pixels - half, &patches[half * z.q], z.q, &turned[half], z.pixels, to, z.q);
      if (half) multiply<float>(z.q, z.out, half, patches.data(), z.q, turned.data(), z.pixels, to, z.q);
   }
}

void round_if(bool wanted, std::vector<float> &values) {
   if (wanted) round_to_tf32(values.data(), values.size());
}

void finish_forward(const Problem &p, const Operands &o, int n, std::vector<float> &y) {
   const size_t K = size_t(p.w.k);
   const float alpha = float(o.alpha), beta = float(o.beta), alpha_z = float(o.alpha_z);
   std::vector<float> old, z, bias;
   if (beta != 0) old = load_image(p.y, p.type, o.y, n);
   if (o.z && alpha_z != 0) z = load_image(p.y, p.type, o.z, n);
   if (o.bias) bias.resize(K), to_float(bias.data(), o.bias, p.type, K);
   for (size_t i = 0; i < y.size(); i++) {
      float v = alpha * y[i];
      if (!old.empty()) v += beta * old[i];
      if (!z.empty()) v += alpha_z * z[i];
      if (!bias.empty()) v += bias[i % K];
      y[i] = o.relu && v < 0 ? 0 : v;
   }
   store_image(p.y, p.type, o.y, n, y);
}

void finish_data(const Problem &p, const Operands &o, int n, std::vector<float> &dx) {
   const float alpha = float(o.alpha), beta = float(o.beta);
   std::vector<float> old;
   if (beta != 0) old = load_image(p.x, p.type, o.x, n);
   for (size_t i = 0; i < dx.size(); i++) dx[i] = alpha * dx[i] + (old.empty() ? 0 : beta * old[i]);
   store_image(p.x, p.type, o.x, n, dx);
}

} // namespace

void compute_convolution(const Problem &p, const Operands &o) {
   const Sizes z = sizes(p);
   const int N = p.x.dims[0];
   std::vector<float> w, dw(p.pass == Pass::filter ? p.w.count() : 0);
   if (p.pass != Pass::filter || o.beta != 0) w = load_filter(p, o.w);
   if (p.pass != Pass::filter) round_if(p.tf32, w);
   for (int i = 0; i < N; i++) {
      const int n = o.reversed ? N - 1 - i : i;
      std::vector<float> x, y;
      if (p.pass != Pass::data) x = load_image(p.x, p.type, o.x, n), round_if(p.tf32, x);
      if (p.pass != Pass::forward) y = load_image(p.y, p.type, o.y, n), round_if(p.tf32, y);
      switch (p.pass) {
      case Pass::forward: y = forward_image(p, z, x, w), finish_forward(p, o, n, y); break;
      case Pass::data: x = data_image(p, z, y, w), finish_data(p, o, n, x); break;
      case Pass::filter: filter_image(p, z, x, y, dw, o.reversed); break;
      }
   }
   if (p.pass == Pass::filter) store_filter(p, o.w, dw, w, o);
}

} // namespace sg
