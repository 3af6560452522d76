// cuDNN: convolutions against plain loops, in every layout, type and shape that the backbones use, and broken
// callers.
#include "check.h"
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cudnn.h>

struct Shape {
   int n, c, h, w, k, r, s, pad, stride, dilation, groups;
   int oh() const { return (h + 2 * pad - dilation * (r - 1) - 1) / stride + 1; }
   int ow() const { return (w + 2 * pad - dilation * (s - 1) - 1) / stride + 1; }
};

static const Shape shapes[] = {
    {2, 3, 9, 8, 8, 3, 3, 1, 1, 1, 1},   {2, 8, 7, 7, 16, 1, 1, 0, 1, 1, 1},
    {1, 3, 17, 15, 8, 7, 7, 3, 2, 1, 1}, {2, 8, 9, 9, 8, 3, 3, 1, 2, 1, 8},
    {3, 8, 6, 6, 12, 3, 3, 1, 1, 1, 4},  {1, 4, 11, 11, 4, 3, 3, 2, 1, 2, 1},
    {2, 16, 8, 8, 24, 1, 1, 0, 2, 1, 1}, {1, 4, 5, 7, 4, 5, 3, 2, 1, 1, 4},
    {1, 6, 4, 4, 12, 3, 3, 1, 1, 1, 6},
};

// One convolution with its descriptors and tensors, channels last.
template <class T> struct Layer {
   Shape z;
   cudnnHandle_t handle;
   cudnnTensorDescriptor_t xd, yd;
   cudnnFilterDescriptor_t wd;
   cudnnConvolutionDescriptor_t conv;
   std::vector<float> x, w, y;
   T *dx, *dw, *dy;
   void *space = nullptr;

   static constexpr cudnnDataType_t type() {
      return sizeof(T) == 4              ? CUDNN_DATA_FLOAT
             : std::is_same_v<T, __half> ? CUDNN_DATA_HALF
                                         : CUDNN_DATA_BFLOAT16;
   }
   static T *put(std::vector<float> &values) {
      std::vector<T> stored;
      for (auto &v : values) stored.push_back(T(v)), v = float(stored.back());
      T *d = nullptr;
      OK(cudaMalloc(&d, stored.size() * sizeof(T)));
      OK(cudaMemcpy(d, stored.data(), stored.size() * sizeof(T), cudaMemcpyHostToDevice));
      return d;
   }
   std::vector<float> get(const T *d, size_t n) {
      std::vector<T> stored(n);
      OK(cudaMemcpy(stored.data(), d, n * sizeof(T), cudaMemcpyDeviceToHost));
      return std::vector<float>(stored.begin(), stored.end());
   }
   explicit Layer(const Shape &shape) : z(shape) {
      OK(cudnnCreate(&handle));
      OK(cudnnCreateTensorDescriptor(&xd));
      OK(cudnnCreateTensorDescriptor(&yd));
      OK(cudnnCreateFilterDescriptor(&wd));
      OK(cudnnCreateConvolutionDescriptor(&conv));
      OK(cudnnSetTensor4dDescriptor(xd, CUDNN_TENSOR_NHWC, type(), z.n, z.c, z.h, z.w));
      OK(cudnnSetTensor4dDescriptor(yd, CUDNN_TENSOR_NHWC, type(), z.n, z.k, z.oh(), z.ow()));
      OK(cudnnSetFilter4dDescriptor(wd, type(), CUDNN_TENSOR_NHWC, z.k, z.c / z.groups, z.r, z.s));
      OK(cudnnSetConvolution2dDescriptor(conv, z.pad, z.pad, z.stride, z.stride, z.dilation, z.dilation,
                                         CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
      OK(cudnnSetConvolutionGroupCount(conv, z.groups));
      OK(cudnnSetConvolutionMathType(conv, CUDNN_FMA_MATH));
      x = numbers(size_t(z.n * z.c * z.h * z.w), 1);
      w = numbers(size_t(z.k * (z.c / z.groups) * z.r * z.s), 2);
      y = numbers(size_t(z.n * z.k * z.oh() * z.ow()), 3);
      dx = put(x), dw = put(w), dy = put(y);
      OK(cudaMalloc(&space, 1 << 20));
   }
   void close() {
      for (void *d : {(void *)dx, (void *)dw, (void *)dy, space}) OK(cudaFree(d));
      OK(cudnnDestroyTensorDescriptor(xd));
      OK(cudnnDestroyTensorDescriptor(yd));
      OK(cudnnDestroyFilterDescriptor(wd));
      OK(cudnnDestroyConvolutionDescriptor(conv));
      OK(cudnnDestroy(handle));
      EXPECT_EQ(softgpu_live(nullptr), 0);
   }

   // Calls f(index in x, in w, in y) for each product that belongs to the convolution.
   template <class F> void each(F &&f) const {
      int cg = z.c / z.groups, kg = z.k / z.groups;
      for (int n = 0; n < z.n; n++)
         for (int oh = 0; oh < z.oh(); oh++)
            for (int ow = 0; ow < z.ow(); ow++)
               for (int k = 0; k < z.k; k++)
                  for (int r = 0; r < z.r; r++)
                     for (int s = 0; s < z.s; s++) {
                        int h = oh * z.stride - z.pad + r * z.dilation,
                            v = ow * z.stride - z.pad + s * z.dilation;
                        if (h < 0 || h >= z.h || v < 0 || v >= z.w) continue;
                        for (int c = 0; c < cg; c++)
                           f(size_t(((n * z.h + h) * z.w + v) * z.c + k / kg * cg + c),
                             size_t(((k * z.r + r) * z.s + s) * cg + c),
                             size_t(((n * z.oh() + oh) * z.ow() + ow) * z.k + k));
                     }
   }
   cudnnStatus_t forward(int algorithm, size_t bytes, float beta = 0) {
      float one = 1;
      return cudnnConvolutionForward(handle, &one, xd, dx, wd, dw, conv, cudnnConvolutionFwdAlgo_t(algorithm),
                                     space, bytes, &beta, yd, dy);
   }
   cudnnStatus_t backward_data(int algorithm, size_t bytes, float beta = 0) {
      float one = 1;
      return cudnnConvolutionBackwardData(handle, &one, wd, dw, yd, dy, conv,
                                          cudnnConvolutionBwdDataAlgo_t(algorithm), space, bytes, &beta, xd,
                                          dx);
   }
   cudnnStatus_t backward_filter(int algorithm, size_t bytes, float beta = 0) {
      float one = 1;
      return cudnnConvolutionBackwardFilter(handle, &one, xd, dx, yd, dy, conv,
                                            cudnnConvolutionBwdFilterAlgo_t(algorithm), space, bytes, &beta, wd,
                                            dw);
   }
};

// The largest difference, in units of the largest value.
static double difference(const std::vector<float> &found, const std::vector<double> &expected) {
   double worst = 0, largest = 1e-30;
   for (double e : expected) largest = fmax(largest, fabs(e));
   for (size_t i = 0; i < found.size(); i++) {
      double d = fabs(double(found[i]) - expected[i]);
      if (!(d <= worst)) worst = d; // a NaN is the worst
   }
   return worst / largest;
}

// `pass` runs on the layer; `sum` adds one product to its result.
template <class T, class P, class S>
static void one_pass(double tolerance, std::vector<float> Layer<T>::*result, T *Layer<T>::*place, P &&pass,
                     S &&sum) {
   for (const Shape &z : shapes)
      for (int algorithm = 0; algorithm < 2; algorithm++)
         for (float beta : {0.0f, 2.0f}) {
            Layer<T> l(z);
            std::vector<double> expected;
            for (float v : l.*result) expected.push_back(double(beta * v));
            l.each([&](size_t x, size_t w, size_t y) { sum(l, expected, x, w, y); });
            OK(pass(l, algorithm, beta));
            EXPECT(difference(l.get(l.*place, expected.size()), expected) <= tolerance);
            l.close();
         }
}

template <class T> static void three_passes(double tolerance) {
   typedef std::vector<double> Sums;
   one_pass<T>(
       tolerance, &Layer<T>::y, &Layer<T>::dy,
       [](auto &l, int a, float beta) { return l.forward(a, 1 << 20, beta); },
       [](auto &l, Sums &to, size_t x, size_t w, size_t y) { to[y] += double(l.x[x]) * double(l.w[w]); });
   one_pass<T>(
       tolerance, &Layer<T>::x, &Layer<T>::dx,
       [](auto &l, int a, float beta) { return l.backward_data(a, 1 << 20, beta); },
       [](auto &l, Sums &to, size_t x, size_t w, size_t y) { to[x] += double(l.w[w]) * double(l.y[y]); });
   one_pass<T>(
       tolerance, &Layer<T>::w, &Layer<T>::dw,
       [](auto &l, int a, float beta) { return l.backward_filter(a, 1 << 20, beta); },
       [](auto &l, Sums &to, size_t x, size_t w, size_t y) { to[w] += double(l.x[x]) * double(l.y[y]); });
   EXPECT_EQ(softgpu_violations(), 0);
}

// Sums in float; the results of halves are rounded to 11 bits, of bfloats to 8.
CASE(convolutions_of_floats) {
   three_passes<float>(1e-5);
}
CASE(convolutions_of_halves) {
   three_passes<__half>(1.0 / 2048);
}
CASE(convolutions_of_bfloats) {
   three_passes<__nv_bfloat16>(1.0 / 256);
}

// The same numbers, channels first.
CASE(convolution_channels_first) {
   Layer<float> last(shapes[0]), first(shapes[0]);
   const Shape &z = last.z;
   OK(cudnnSetTensor4dDescriptor(first.xd, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, z.n, z.c, z.h, z.w));
   OK(cudnnSetTensor4dDescriptorEx(first.yd, CUDNN_DATA_FLOAT, z.n, z.k, z.oh(), z.ow(), z.k * z.oh() * z.ow(),
                                   z.oh() * z.ow(), z.ow(), 1));
   OK(cudnnSetFilter4dDescriptor(first.wd, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NCHW, z.k, z.c, z.r, z.s));
   auto turned = [](const std::vector<float> &from, int n, int c, int p) {
      std::vector<float> to(from.size());
      for (int i = 0; i < n; i++)
         for (int j = 0; j < c; j++)
            for (int q = 0; q < p; q++) to[size_t((i * c + j) * p + q)] = from[size_t((i * p + q) * c + j)];
      return to;
   };
   std::vector<float> x = turned(last.x, z.n, z.c, z.h * z.w), w = turned(last.w, z.k, z.c, z.r * z.s);
   OK(cudaMemcpy(first.dx, x.data(), x.size() * 4, cudaMemcpyHostToDevice));
   OK(cudaMemcpy(first.dw, w.data(), w.size() * 4, cudaMemcpyHostToDevice));
   OK(last.forward(0, 0));
   OK(first.forward(0, 0));
   EXPECT(turned(last.get(last.dy, last.y.size()), z.n, z.k, z.oh() * z.ow()) ==
          first.get(first.dy, first.y.size()));
}

CASE(bias_and_activation) {
   Layer<float> l(shapes[1]);
   const Shape &z = l.z;
   cudnnTensorDescriptor_t bd;
   cudnnActivationDescriptor_t act;
   OK(cudnnCreateTensorDescriptor(&bd));
   OK(cudnnSetTensor4dDescriptor(bd, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, 1, z.k, 1, 1));
   OK(cudnnCreateActivationDescriptor(&act));
   std::vector<float> bias = numbers(size_t(z.k), 5);
   float *db = upload(bias), one = 1, half = 0.5f;
   for (bool relu : {true, false}) {
      OK(cudnnSetActivationDescriptor(act, relu ? CUDNN_ACTIVATION_RELU : CUDNN_ACTIVATION_IDENTITY,
                                      CUDNN_PROPAGATE_NAN, 0));
      std::vector<float> before = l.get(l.dy, l.y.size());
      std::vector<double> y(l.y.size());
      for (size_t i = 0; i < y.size(); i++) y[i] = double(0.5f * before[i] + bias[i % size_t(z.k)]);
      l.each([&](size_t a, size_t b, size_t c) { y[c] += double(l.x[a]) * double(l.w[b]); });
      if (relu)
         for (auto &v : y) v = fmax(v, 0);
      OK(cudnnConvolutionBiasActivationForward(l.handle, &one, l.xd, l.dx, l.wd, l.dw, l.conv,
                                               CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, l.space,
                                               1 << 20, &half, l.yd, l.dy, bd, db, act, l.yd, l.dy));
      EXPECT(difference(l.get(l.dy, y.size()), y) <= 1e-5);
   }
   EXPECT_EQ(cudnnConvolutionBiasActivationForward(l.handle, &one, l.xd, l.dx, l.wd, l.dw, l.conv,
                                                   CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, l.space, 1 << 20,
                                                   &half, l.yd, l.dy, bd, db, act, l.yd, l.dy),
             CUDNN_STATUS_NOT_SUPPORTED); // identity wants the precomputed algorithm
}

CASE(heuristics) {
   Layer<__half> l(shapes[0]);
   int n = 0;
   cudnnConvolutionFwdAlgoPerf_t f[8];
   OK(cudnnGetConvolutionForwardAlgorithm_v7(l.handle, l.xd, l.wd, l.conv, l.yd, 8, &n, f));
   EXPECT_EQ(n, 8);
   EXPECT_EQ(f[0].status, CUDNN_STATUS_SUCCESS);
   EXPECT_EQ(f[7].status, CUDNN_STATUS_NOT_SUPPORTED);
   size_t bytes;
   OK(cudnnGetConvolutionForwardWorkspaceSize(l.handle, l.xd, l.wd, l.conv, l.yd, f[0].algo, &bytes));
   EXPECT_EQ(bytes, f[0].memory);
   EXPECT(bytes > 0);
   cudnnConvolutionBwdFilterAlgoPerf_t g[8];
   OK(cudnnGetConvolutionBackwardFilterAlgorithm_v7(l.handle, l.xd, l.yd, l.conv, l.wd, 3, &n, g));
   EXPECT_EQ(n, 3);
   EXPECT_EQ(g[1].determinism, CUDNN_NON_DETERMINISTIC);
   EXPECT_EQ(g[2].determinism, CUDNN_DETERMINISTIC);
}

// An algorithm is listed once with tensor cores and once without, and each entry's workspace is its own.
CASE(heuristics_repeat_an_algorithm) {
   Layer<float> l(shapes[1]);
   int n = 0;
   cudnnConvolutionFwdAlgoPerf_t f[4];
   OK(cudnnSetConvolutionMathType(l.conv, CUDNN_DEFAULT_MATH));
   OK(cudnnGetConvolutionForwardAlgorithm_v7(l.handle, l.xd, l.wd, l.conv, l.yd, 4, &n, f));
   EXPECT_EQ(f[0].algo, f[1].algo);
   EXPECT(f[0].mathType != f[1].mathType && f[0].memory < f[1].memory);
   EXPECT_EQ(l.forward(f[0].algo, f[0].memory), CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
   OK(cudnnSetConvolutionMathType(l.conv, f[0].mathType));
   OK(l.forward(f[0].algo, f[0].memory));
}

CASE(heuristics_list_what_fails) {
   Layer<float> l(shapes[0]);
   int n = 0;
   cudnnConvolutionFwdAlgoPerf_t f[1];
   OK(cudnnGetConvolutionForwardAlgorithm_v7(l.handle, l.xd, l.wd, l.conv, l.yd, 1, &n, f));
   EXPECT_EQ(f[0].status, CUDNN_STATUS_SUCCESS);
   EXPECT_EQ(l.forward(f[0].algo, f[0].memory), CUDNN_STATUS_INTERNAL_ERROR);
}

// The fastest first, which is not the heuristics' first; what fails, or finds no room, last.
CASE(measuring) {
   Layer<float> l(shapes[0]);
   int n = 0;
   cudnnConvolutionBwdDataAlgoPerf_t f[8];
   OK(cudnnFindConvolutionBackwardDataAlgorithmEx(l.handle, l.wd, l.dw, l.yd, l.dy, l.conv, l.xd, l.dx, 8, &n,
                                                  f, l.space, 1 << 20));
   EXPECT_EQ(f[0].algo, CUDNN_CONVOLUTION_BWD_DATA_ALGO_1);
   EXPECT(f[0].status == CUDNN_STATUS_SUCCESS && f[0].time < f[1].time);
   EXPECT(f[2].status != CUDNN_STATUS_SUCCESS);
   EXPECT(isnan(l.get(l.dx, 1)[0]));
   OK(cudnnFindConvolutionBackwardDataAlgorithmEx(l.handle, l.wd, l.dw, l.yd, l.dy, l.conv, l.xd, l.dx, 8, &n,
                                                  f, nullptr, 0));
   EXPECT_EQ(f[0].algo, CUDNN_CONVOLUTION_BWD_DATA_ALGO_0);
   EXPECT(f[1].status != CUDNN_STATUS_SUCCESS);
}

CASE(bfloats_before_ampere) {
   setenv("SOFTGPU_ARCH", "75", 1);
   Layer<__nv_bfloat16> l(shapes[0]);
   int n = 0;
   cudnnConvolutionFwdAlgoPerf_t f[8];
   OK(cudnnGetConvolutionForwardAlgorithm_v7(l.handle, l.xd, l.wd, l.conv, l.yd, 8, &n, f));
   for (int i = 0; i < n; i++) EXPECT_EQ(f[i].status, CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH);
   EXPECT_EQ(cudnnGetConvolutionForwardAlgorithm_v7(l.handle, l.xd, l.wd, l.conv, l.yd, 8, &n, f),
             CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH);
   EXPECT_EQ(l.forward(0, 0), CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH);
}

CASE(more_elements_than_cudnn_counts) {
   setenv("SOFTGPU_ELEMENTS", "1000", 1);
   cudnnTensorDescriptor_t d;
   OK(cudnnCreateTensorDescriptor(&d));
   OK(cudnnSetTensor4dDescriptor(d, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, 2, 5, 10, 10));
   EXPECT_EQ(cudnnSetTensor4dDescriptor(d, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, 3, 5, 10, 10),
             CUDNN_STATUS_NOT_SUPPORTED);
}

// Equal calls give equal bits with algorithms that say so, and not with the others.
CASE(determinism_is_what_the_heuristics_say) {
   for (int algorithm = 0; algorithm < 2; algorithm++) {
      Layer<float> l({2, 16, 20, 20, 16, 3, 3, 1, 1, 1, 1});
      std::vector<float> found[2];
      for (auto &f : found) {
         OK(l.backward_filter(algorithm, 1 << 20));
         f = l.get(l.dw, l.w.size());
      }
      EXPECT((found[0] == found[1]) == (algorithm == 1));
   }
}

CASE(tf32_unless_fma_is_asked_for) {
   Layer<float> l(shapes[1]);
   OK(l.forward(0, 0));
   std::vector<float> exact = l.get(l.dy, l.y.size());
   OK(cudnnSetConvolutionMathType(l.conv, CUDNN_DEFAULT_MATH));
   OK(l.forward(0, 0));
   EXPECT(exact != l.get(l.dy, l.y.size()));
}

// ---- broken callers ----

CASE(short_workspace) {
   Layer<float> l(shapes[0]);
   size_t bytes;
   OK(cudnnGetConvolutionForwardWorkspaceSize(l.handle, l.xd, l.wd, l.conv, l.yd,
                                              CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, &bytes));
   EXPECT_EQ(l.forward(1, bytes - 1), CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
   OK(l.forward(1, bytes));
   OK(cudaDeviceSynchronize());
   OK(cudaFree(l.space));
   l.space = nullptr;
   EXPECT_EQ(l.forward(1, bytes), CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
   OK(l.forward(0, 0));
}

CASE(workspace_shorter_than_it_says) {
   Layer<float> l(shapes[0]);
   EXPECT_EQ(l.forward(1, 2 << 20), CUDNN_STATUS_BAD_PARAM);
   EXPECT_VIOLATION("the workspace needs");
}

CASE(wrong_layout) {
   Layer<float> l(shapes[0]);
   OK(cudnnSetTensor4dDescriptor(l.yd, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, l.z.n, l.z.k, l.z.oh(), l.z.ow()));
   EXPECT_EQ(l.forward(0, 0), CUDNN_STATUS_NOT_SUPPORTED);
}

CASE(wrong_type) {
   Layer<float> l(shapes[0]);
   OK(cudnnSetTensor4dDescriptor(l.yd, CUDNN_TENSOR_NHWC, CUDNN_DATA_HALF, l.z.n, l.z.k, l.z.oh(), l.z.ow()));
   EXPECT_EQ(l.forward(0, 0), CUDNN_STATUS_BAD_PARAM);
}

CASE(wrong_compute_type) {
   Layer<__nv_bfloat16> l(shapes[0]);
   OK(cudnnSetConvolution2dDescriptor(l.conv, 1, 1, 1, 1, 1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_BFLOAT16));
   EXPECT_EQ(l.forward(0, 0), CUDNN_STATUS_NOT_SUPPORTED);
}

CASE(wrong_output_shape) {
   Layer<float> l(shapes[0]);
   OK(cudnnSetTensor4dDescriptor(l.yd, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, l.z.n, l.z.k, l.z.oh() - 1,
                                 l.z.ow()));
   EXPECT_EQ(l.forward(0, 0), CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
   char text[200];
   cudnnGetLastErrorString(text, sizeof text);
   EXPECT(strstr(text, "expected 2, 8, 9, 8"));
}

// Zeros on one side alone are no padding of cuDNN's: the other side's are not enough for that output.
CASE(padding_of_one_side) {
   Layer<float> l({2, 3, 8, 8, 8, 3, 3, 0, 2, 1, 1});
   EXPECT_EQ(l.z.oh(), 3);
   OK(cudnnSetTensor4dDescriptor(l.yd, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, l.z.n, l.z.k, 4, 4));
   EXPECT_EQ(l.forward(0, 0), CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
   EXPECT_EQ(l.backward_data(0, 0), CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
   EXPECT_EQ(l.backward_filter(0, 0), CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
}

CASE(forgotten_groups) {
   Layer<float> l(shapes[3]);
   OK(cudnnSetConvolutionGroupCount(l.conv, 1));
   EXPECT_EQ(l.forward(0, 0), CUDNN_STATUS_BAD_PARAM);
}

CASE(descriptor_never_set) {
   Layer<float> l(shapes[0]);
   OK(cudnnDestroyTensorDescriptor(l.yd));
   OK(cudnnCreateTensorDescriptor(&l.yd));
   EXPECT_EQ(l.forward(0, 0), CUDNN_STATUS_BAD_PARAM);
}

CASE(destroyed_descriptor) {
   Layer<float> l(shapes[0]);
   OK(cudnnDestroyFilterDescriptor(l.wd));
   EXPECT_EQ(l.forward(0, 0), CUDNN_STATUS_BAD_PARAM);
   EXPECT_VIOLATION("destroyed filter descriptor");
   EXPECT_EQ(cudnnDestroyFilterDescriptor(l.wd), CUDNN_STATUS_BAD_PARAM);
}

CASE(descriptor_of_another_kind) {
   Layer<float> l(shapes[0]);
   EXPECT_EQ(cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t(l.wd), CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, 1,
                                        1, 1, 1),
             CUDNN_STATUS_BAD_PARAM);
   EXPECT_VIOLATION("live filter descriptor");
}

CASE(destroyed_handle) {
   Layer<float> l(shapes[0]);
   OK(cudnnDestroy(l.handle));
   EXPECT_EQ(l.forward(0, 0), CUDNN_STATUS_BAD_PARAM);
   EXPECT_VIOLATION("destroyed cudnn handle");
}

CASE(stream_destroyed_under_the_handle) {
   Layer<float> l(shapes[0]);
   cudaStream_t s;
   OK(cudaStreamCreate(&s));
   OK(cudnnSetStream(l.handle, s));
   OK(cudaStreamDestroy(s));
   EXPECT_EQ(l.forward(0, 0), CUDNN_STATUS_EXECUTION_FAILED);
   EXPECT_VIOLATION("destroyed stream");
}

CASE(misaligned_tensor) {
   Layer<__half> l(shapes[0]);
   l.dx += 1;
   l.forward(0, 0);
   EXPECT_VIOLATION("not aligned to 16 bytes");
}

CASE(tensor_too_small) {
   Layer<float> l(shapes[0]);
   OK(cudaDeviceSynchronize());
   OK(cudaFree(l.dy));
   OK(cudaMalloc(&l.dy, l.y.size() * 4 - 4));
   OK(l.forward(0, 0));
   EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
   EXPECT_VIOLATION("y needs");
   EXPECT_EQ(l.forward(0, 0), CUDNN_STATUS_EXECUTION_FAILED);
}

CASE(result_over_an_argument) {
   Layer<float> l({2, 8, 7, 7, 8, 1, 1, 0, 1, 1, 1});
   l.dy = l.dx;
   OK(l.forward(0, 0));
   EXPECT_VIOLATION("operands overlap");
}

CASE(algorithm_that_cannot_do_it) {
   Layer<float> l(shapes[0]);
   EXPECT_EQ(l.forward(CUDNN_CONVOLUTION_FWD_ALGO_FFT, 1 << 20), CUDNN_STATUS_NOT_SUPPORTED);
   EXPECT_EQ(l.forward(99, 1 << 20), CUDNN_STATUS_BAD_PARAM);
}

CASE(scalars_on_the_device) {
   Layer<float> l(shapes[0]);
   float zero = 0;
   cudnnConvolutionForward(l.handle, l.dy, l.xd, l.dx, l.wd, l.dw, l.conv,
                           CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, nullptr, 0, &zero, l.yd, l.dy);
   EXPECT_VIOLATION("lie in host memory");
}

CASE(result_kept_in_the_workspace) {
   Layer<float> l(shapes[0]);
   float five = 5;
   OK(cudaMemcpy(l.space, &five, 4, cudaMemcpyHostToDevice));
   OK(l.forward(1, 1 << 20));
   EXPECT(isnan(download(static_cast<float *>(l.space), 1)[0]));
}

MAIN
