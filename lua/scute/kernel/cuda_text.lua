-- The CUDA that a kernel's texts become, for NVRTC: loops over elements of each dtype, sixteen bytes at a time where they lie
-- side by side. A compiler's lines are those of the user's text. What is launched, and with what, is in kernels/cuda/own_op.cu.
local chosen = require "scute.kernel.chosen"
local functions = require "scute.kernel.functions"
local tokens = require "scute.kernel.tokens"

local cuda_text = {}

-- NVRTC finds no headers where no toolkit is installed, so none is asked for. The software GPU has words of its own for what
-- are instructions here.
local HEAD = [[
#ifndef SC_F32_OF_F16
#define SC_F32_OF_F16(y, x) asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x))
#define SC_F16_OF_F32(y, x) asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y) : "f"(x))
typedef int int32_t;
typedef unsigned uint32_t;
typedef long long int64_t;
#endif
#undef HUGE_VALF
#undef HUGE_VAL
#define HUGE_VALF __int_as_float(0x7f800000)
#define HUGE_VAL __longlong_as_double(0x7ff0000000000000ll)

static __device__ inline float scute_min(float a, float b) { return a < b || a != a ? a : b; }
static __device__ inline float scute_max(float a, float b) { return a > b || a != a ? a : b; }
static __device__ inline double scute_min64(double a, double b) { return a < b || a != a ? a : b; }
static __device__ inline double scute_max64(double a, double b) { return a > b || a != a ? a : b; }
static __device__ inline float scute_fmin(float a, float b) { return fminf(a, b); }
static __device__ inline float scute_fmax(float a, float b) { return fmaxf(a, b); }
static __device__ inline double scute_fmin64(double a, double b) { return fmin(a, b); }
static __device__ inline double scute_fmax64(double a, double b) { return fmax(a, b); }
static __device__ inline float sigmoidf(float x) { return 1 / (1 + expf(-x)); }
static __device__ inline double scute_sigmoid(double x) { return 1 / (1 + exp(-x)); }
static __device__ inline float reluf(float x) { return x < 0 ? 0 : x; }
static __device__ inline float siluf(float x) { return x * sigmoidf(x); }
static __device__ inline float geluf(float x) { return 0.5f * x * erfcf(x * -0.70710678f); }
static __device__ inline float softplusf(float x) { return (x < 0 ? 0 : x) + log1pf(expf(-fabsf(x))); }
static __device__ inline float signf(float x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
static __device__ inline double scute_relu(double x) { return x < 0 ? 0 : x; }
static __device__ inline double scute_silu(double x) { return x / (1 + exp(-x)); }
static __device__ inline double scute_gelu(double x) { return 0.5 * x * erfc(x * -0.70710678118654752); }
static __device__ inline double scute_softplus(double x) { return (x < 0 ? 0 : x) + log1p(exp(-fabs(x))); }
static __device__ inline double scute_sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
static __device__ inline float clampf(float x, float low, float high) { return x < low ? low : x > high ? high : x; }
static __device__ inline double scute_clamp(double x, double low, double high) { return x < low ? low : x > high ? high : x; }
static __device__ inline int scute_isnan(float x) { return x != x; }
static __device__ inline int scute_isnan64(double x) { return x != x; }
static __device__ inline int scute_isinf(float x) { return fabsf(x) == HUGE_VALF; }
static __device__ inline int scute_isinf64(double x) { return fabs(x) == HUGE_VAL; }
]]

local LOOPS = [[
// What is stored, and what is computed with it.
struct scute_f32 {
   typedef float math;
   float x;
   __device__ float wide() const { return x; }
   __device__ void narrow(float v) { x = v; }
};
struct scute_f64 {
   typedef double math;
   double x;
   __device__ double wide() const { return x; }
   __device__ void narrow(double v) { x = v; }
};
struct scute_f16 {
   typedef float math;
   unsigned short x;
   __device__ float wide() const { float v; SC_F32_OF_F16(v, x); return v; }
   __device__ void narrow(float v) { SC_F16_OF_F32(x, v); }
};
struct scute_bf16 {
   typedef float math;
   unsigned short x;
   __device__ float wide() const { return __uint_as_float((unsigned)x << 16); }
   __device__ void narrow(float v) {
      unsigned bits = __float_as_uint(v);
      x = v == v ? (bits + 0x7fff + (bits >> 16 & 1)) >> 16 : 0x7fff; // to even
   }
};
template <class M> struct scute_as_math { typedef scute_f32 type; };
template <> struct scute_as_math<double> { typedef scute_f64 type; };

template <class T, int N> struct scute_vector { T v[N]; };

// Where R operands lie along what is walked: ScIndex of kernels/cuda/index.cuh, of which more operands may follow.
template <int R> struct scute_index {
   int rank;
   long long n, shape[8], strides[R][8];
};
template <int R, int W> struct scute_arrays {
   const void *in[R];
   void *out[W];
};

// 32-bit division is many times faster; no copies of the other, which take their time to compile.
static __device__ __noinline__ long long scute_divide(long long a, long long b) {
   return (a | b) <= 0x7fffffff ? (unsigned)a / (unsigned)b : a / b;
}
template <int R> __device__ void scute_offsets(const scute_index<R> &index, long long at, long long (&offset)[R]) {
   for (int d = index.rank - 1; d >= 0; d--) {
      long long rest = d > 0 ? scute_divide(at, index.shape[d]) : 0, step = at - rest * index.shape[d];
#pragma unroll
      for (int r = 0; r < R; r++) offset[r] += step * index.strides[r][d];
      at = rest;
   }
}

// Elements at..at+N-1 of n; those past the end are 0 and are not written. `one`: it is one element for all.
template <class T, int N>
__device__ void scute_get(const void *p, bool one, long long at, int inside, typename T::math (&to)[N]) {
   const T *from = (const T *)p + at;
   if (one) {
      typename T::math value = from->wide();
#pragma unroll
      for (int k = 0; k < N; k++) to[k] = value;
   } else if (N > 1 && inside == N) { // one load
      uint4 word = *(const uint4 *)from;
      scute_vector<T, N> x;
      memcpy(&x, &word, sizeof x);
#pragma unroll
      for (int k = 0; k < N; k++) to[k] = x.v[k].wide();
   } else {
#pragma unroll
      for (int k = 0; k < N; k++) to[k] = k < inside ? from[k].wide() : 0;
   }
}
template <class T, int N> __device__ void scute_put(void *p, long long at, int inside, const typename T::math (&from)[N]) {
   T *to = (T *)p + at;
   scute_vector<T, N> x;
#pragma unroll
   for (int k = 0; k < N; k++) x.v[k].narrow(from[k]);
   if (N > 1 && inside == N) {
      scute_vector<uint4, sizeof x < 16 ? 1 : sizeof x / 16> words;
      memcpy(&words, &x, sizeof x);
#pragma unroll
      for (int k = 0; k < (int)sizeof x / 16; k++) ((uint4 *)to)[k] = words.v[k];
   } else {
#pragma unroll
      for (int k = 0; k < N; k++)
         if (k < inside) to[k] = x.v[k];
   }
}

// N elements, from `at` on, of what is written. What is read lies at offset[r], or is one element where bit r of `one` is set;
// NULL is zeros. What goes nowhere is NULL; where bit w of `wide` is set, it is written in the type that is computed with.
template <class T, int N, class F>
__device__ void scute_step(const F &f, long long at, int inside, const long long (&offset)[F::R], unsigned one, unsigned wide,
                           const scute_arrays<F::R, F::W> &a) {
   typedef typename T::math M;
   M in[F::R][N] = {}, out[F::W][N];
#pragma unroll
   for (int r = 0; r < F::R; r++)
      if (F::READS >> r & 1 && a.in[r]) scute_get<T>(a.in[r], one >> r & 1, offset[r], inside, in[r]);
#pragma unroll
   for (int k = 0; k < N; k++) {
      M x[F::R], y[F::W];
#pragma unroll
      for (int r = 0; r < F::R; r++) x[r] = in[r][k];
      f(x, y);
#pragma unroll
      for (int w = 0; w < F::W; w++) out[w][k] = y[w];
   }
#pragma unroll
   for (int w = 0; w < F::W; w++) {
      if (!(F::WRITES >> w & 1) || !a.out[w]) continue;
      if (wide >> w & 1)
         scute_put<typename scute_as_math<M>::type>(a.out[w], at, inside, out[w]);
      else
         scute_put<T>(a.out[w], at, inside, out[w]);
   }
}

// `index` counts pieces of N elements, of n that there are; the last may be a part of one.
template <class T, int N, class F>
__device__ void scute_walk(const F &f, const scute_index<F::R> &index, long long n, unsigned one, unsigned wide,
                           const scute_arrays<F::R, F::W> &a) {
   const long long threads = (long long)gridDim.x * blockDim.x;
   for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < index.n; i += threads) {
      long long offset[F::R] = {}, left = n - i * N;
      scute_offsets(index, i, offset);
      scute_step<T, N>(f, i * N, left < N ? (int)left : N, offset, one, wide, a);
   }
}
]]

-- A pass (forward or backward) over tensors of a dtype, as kernels/cuda/own_op.cu launches it.
local KERNELS = [[
extern "C" __global__ void PASS_vectors(scute_PASS f, scute_index<scute_PASS::R> index, long long n, unsigned one,
                                        unsigned wide, scute_arrays<scute_PASS::R, scute_PASS::W> a) {
   scute_walk<scute_DTYPE, 16 / (int)sizeof(scute_DTYPE)>(f, index, n, one, wide, a);
}
extern "C" __global__ void PASS_elements(scute_PASS f, scute_index<scute_PASS::R> index, long long n, unsigned one,
                                         unsigned wide, scute_arrays<scute_PASS::R, scute_PASS::W> a) {
   scute_walk<scute_DTYPE, 1>(f, index, n, one, wide, a);
}
]]

-- What stands for a function: one that takes doubles alone, where C++ would have to choose for whole numbers.
local function meant_in(lines, entry, column)
   local meant = entry[column]:gsub("^sc_", "")
   if column == 3 or meant:find "^scute_" then return meant end
   local own = "scute_" .. entry[1] .. "64"
   local parameters, arguments = "double x", "x"
   if entry[2] == 2 then parameters, arguments = "double x, double y", "x, y" end
   lines[#lines + 1] = ("static __device__ inline double %s(%s) { return %s(%s); }"):format(own, parameters, meant, arguments)
   return own
end

-- The names of the text as macros, of one precision: column 3 or 4 of the functions' list.
local function define(lines, column)
   local macros = {}
   for _, entry in ipairs(functions.list) do
      local meant = meant_in(lines, entry, column)
      if entry[1] ~= meant then macros[#macros + 1] = ("#define %s %s"):format(entry[1], meant) end
   end
   for _, constant in ipairs(functions.constants) do
      local meant = constant[column + 1] or constant[column - 1]
      macros[#macros + 1] = ("#undef %s\n#define %s %s"):format(constant[1], constant[1], meant)
   end
   table.move(macros, 1, #macros, #lines + 1, lines)
end

-- Bit p of each entry's place p.
local function mask(entries)
   local bits = 0
   for _, entry in ipairs(entries) do bits = bits | 1 << entry[2] end
   return bits
end

-- What is done with one element. reads, writes: lists of { name, place } among `nin` and `nout` arrays.
local function functor(lines, name, numbers, nin, reads, nout, writes, text, label)
   local function line(format, ...) lines[#lines + 1] = format:format(...) end
   line("struct %s {", name)
   line("enum { R = %d, READS = %d, W = %d, WRITES = %d };", nin, mask(reads), nout, mask(writes))
   line("double scute_numbers[%d];", math.max(#numbers, 1))
   line "__device__ void operator()(const float *scute_in, float *scute_out) const {"
   line "(void)scute_in;"
   for i, number in ipairs(numbers) do line("const float %s = (float)scute_numbers[%d]; (void)%s;", number, i - 1, number) end
   for _, read in ipairs(reads) do line("const float %s = scute_in[%d];", read[1], read[2]) end
   for _, write in ipairs(writes) do line("float %s = 0;", write[1]) end
   line "do {"
   line('#line 1 "%s"', label)
   lines[#lines + 1] = text
   line('#line %d "%s"', tokens.last_line(text), label)
   line "} while (0);"
   line '#line 1 "scute"'
   for _, write in ipairs(writes) do line("scute_out[%d] = %s;", write[2], write[1]) end
   line "} };"
end

local function both(lines, kernel, precision)
   local forward, backward, nin, nout = kernel.forward, kernel.backward, #kernel.gradients, #kernel.outputs
   functor(lines, "scute_forward", kernel.numbers, nin, chosen(kernel.reads, forward.used), nout,
      chosen(kernel.outputs, forward.assigns), forward[precision], kernel.label .. ", forward")
   if not backward then return end
   functor(lines, "scute_backward", kernel.numbers, nin + 2 * nout, chosen(kernel.reads, backward.used), nin,
      chosen(kernel.gradients, backward.assigns), backward[precision], kernel.label .. ", backward")
end

--- The source of a kernel, which is described as c_text.source takes it, for tensors of a dtype.
function cuda_text.source(kernel, dtype)
   local is_double = dtype == "f64"
   local lines = { HEAD, LOOPS }
   define(lines, is_double and 4 or 3)
   if is_double then lines[#lines + 1] = "#define float double" end
   both(lines, kernel, is_double and "double" or "float")
   for _, pass in ipairs(kernel.backward and { "forward", "backward" } or { "forward" }) do
      lines[#lines + 1] = (KERNELS:gsub("PASS", pass):gsub("DTYPE", dtype))
   end
   return table.concat(lines, "\n") .. "\n"
end

return cuda_text
