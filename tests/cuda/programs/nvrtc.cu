// Kernels that are compiled and loaded at run time, by right callers and wrong ones.
#include <nvrtc.h>

#include "check.h"

static const char SOURCE[] = R"(
#line 1 "kernel 'twice', forward"
extern "C" __global__ void twice(long long n, const float *x, float *y) {
   long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
   if (i < n) y[i] = 2 * x[i];
}
)";

static nvrtcResult compile(nvrtcProgram *program, const char *source, std::vector<const char *> options) {
   EXPECT_EQ(nvrtcCreateProgram(program, source, "kernel", 0, nullptr, nullptr), 0);
   return nvrtcCompileProgram(*program, int(options.size()), options.data());
}

static std::string log_of(nvrtcProgram program) {
   size_t size = 0;
   EXPECT_EQ(nvrtcGetProgramLogSize(program, &size), 0);
   std::string log(size, 0);
   EXPECT_EQ(nvrtcGetProgramLog(program, log.data()), 0);
   return log;
}

static std::string code_of(const char *arch, bool ptx = false) {
   nvrtcProgram program;
   std::string option = std::string("--gpu-architecture=") + arch, code;
   size_t size = 0;
   EXPECT_EQ(compile(&program, SOURCE, {option.c_str(), "--std=c++17"}), 0);
   EXPECT_EQ(ptx ? nvrtcGetPTXSize(program, &size) : nvrtcGetCUBINSize(program, &size), 0);
   code.resize(size);
   EXPECT_EQ(ptx ? nvrtcGetPTX(program, code.data()) : nvrtcGetCUBIN(program, code.data()), 0);
   EXPECT_EQ(nvrtcDestroyProgram(&program), 0);
   EXPECT(program == nullptr);
   return code;
}

static cudaError_t load(cudaLibrary_t *library, const std::string &code) {
   return cudaLibraryLoadData(library, code.data(), nullptr, nullptr, 0, nullptr, nullptr, 0);
}

static void check_that_it_doubles(const std::string &code) {
   cudaLibrary_t library;
   cudaKernel_t kernel, again;
   cudaStream_t stream;
   OK(load(&library, code));
   OK(cudaLibraryGetKernel(&kernel, library, "twice"));
   OK(cudaLibraryGetKernel(&again, library, "twice"));
   EXPECT(kernel == again);
   EXPECT_EQ(cudaLibraryGetKernel(&again, library, "thrice"), cudaErrorSymbolNotFound);
   OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
   float *x = upload(std::vector<float>(5, 3.0f)), *y = upload(std::vector<float>(5, 0.0f));
   long long n = 5;
   void *arguments[] = {&n, &x, &y};
   OK(cudaLaunchKernel((const void *)kernel, dim3(1), dim3(64), arguments, 0, stream));
   OK(cudaStreamSynchronize(stream));
   std::vector<float> got = download(y, 5);
   EXPECT(got[0] == 6 && got[4] == 6);
   cudaFuncAttributes about;
   OK(cudaFuncGetAttributes(&about, (const void *)kernel));
   EXPECT(about.maxThreadsPerBlock > 0);
   OK(cudaFree(x));
   OK(cudaFree(y));
   OK(cudaStreamDestroy(stream));
   OK(cudaLibraryUnload(library));
   EXPECT_EQ(softgpu_live(nullptr), 0);
   EXPECT_EQ(softgpu_violations(), 0);
}

CASE(compiles_and_runs) {
   check_that_it_doubles(code_of("sm_80"));
}

CASE(ptx_serves_later_cards) {
   check_that_it_doubles(code_of("compute_75", true));
   cudaLibrary_t library;
   EXPECT_EQ(load(&library, code_of("compute_90", true)), cudaErrorNoKernelImageForDevice);
}

CASE(code_of_another_generation_is_refused) {
   cudaLibrary_t library;
   EXPECT_EQ(load(&library, code_of("sm_75")), cudaErrorNoKernelImageForDevice);
   EXPECT_EQ(load(&library, code_of("sm_86")), cudaErrorNoKernelImageForDevice);
}

CASE(damaged_code_is_refused) {
   cudaLibrary_t library;
   std::string code = code_of("sm_80");
   code[code.size() / 2] ^= 1;
   EXPECT_EQ(load(&library, code), cudaErrorInvalidKernelImage);
   EXPECT_EQ(load(&library, std::string(64, 'x')), cudaErrorInvalidKernelImage);
}

CASE(no_cubin_of_a_virtual_architecture) {
   nvrtcProgram program;
   size_t size = 1;
   EXPECT_EQ(compile(&program, SOURCE, {"--gpu-architecture=compute_80"}), 0);
   EXPECT_EQ(nvrtcGetCUBINSize(program, &size), 0);
   EXPECT_EQ(size, 0);
   EXPECT_EQ(nvrtcDestroyProgram(&program), 0);
}

CASE(errors_have_the_lines_of_the_source) {
   nvrtcProgram program;
   EXPECT_EQ(compile(&program, "#line 7 \"here\"\n__global__ void f(float *x) {\n x[0] = tahn(x[1]);\n}\n",
                     {"--gpu-architecture=sm_80"}),
             NVRTC_ERROR_COMPILATION);
   EXPECT(log_of(program).find("here(8): error: ") == 0);
   EXPECT_EQ(nvrtcDestroyProgram(&program), 0);
}

// It has no folder of headers, and knows no word of PTX or of the host.
CASE(headers_are_those_it_was_given) {
   nvrtcProgram program;
   EXPECT_EQ(compile(&program, "#include <cuda_fp16.h>\n", {}), NVRTC_ERROR_COMPILATION);
   EXPECT(log_of(program).find("could not open source file \"cuda_fp16.h\"") != std::string::npos);
   EXPECT_EQ(nvrtcDestroyProgram(&program), 0);
   const char *header = "#define SIX 6\n", *name = "six.h";
   EXPECT_EQ(
       nvrtcCreateProgram(&program, "#include \"six.h\"\nstatic_assert(SIX == 6);\n", "", 1, &header, &name),
       0);
   EXPECT_EQ(nvrtcCompileProgram(program, 0, nullptr), 0);
   EXPECT_EQ(nvrtcDestroyProgram(&program), 0);
}

CASE(options_that_are_not_known) {
   for (const char *option : {"--bogus", "--gpu-architecture=sm_70", "--gpu-architecture=turing"}) {
      nvrtcProgram program;
      EXPECT_EQ(compile(&program, SOURCE, {option}), NVRTC_ERROR_INVALID_OPTION);
      EXPECT_EQ(nvrtcDestroyProgram(&program), 0);
   }
}

CASE(programs_that_are_not) {
   nvrtcProgram program, stale;
   EXPECT_EQ(nvrtcCreateProgram(&program, nullptr, "", 0, nullptr, nullptr), NVRTC_ERROR_INVALID_INPUT);
   EXPECT_EQ(nvrtcCreateProgram(&program, "", "", 1, nullptr, nullptr), NVRTC_ERROR_INVALID_INPUT);
   EXPECT_EQ(nvrtcCreateProgram(&program, "", "", 0, nullptr, nullptr), 0);
   size_t size;
   EXPECT_EQ(nvrtcGetCUBINSize(program, &size), NVRTC_ERROR_INVALID_INPUT); // nothing was compiled
   stale = program;
   EXPECT_EQ(nvrtcDestroyProgram(&program), 0);
   EXPECT_EQ(nvrtcCompileProgram(stale, 0, nullptr), NVRTC_ERROR_INVALID_PROGRAM);
   EXPECT_VIOLATION("destroyed nvrtc program");
}

CASE(kernels_end_with_their_library) {
   cudaLibrary_t library;
   cudaKernel_t kernel;
   OK(load(&library, code_of("sm_80")));
   OK(cudaLibraryGetKernel(&kernel, library, "twice"));
   OK(cudaLibraryUnload(library));
   void *arguments[3] = {};
   EXPECT_EQ(cudaLaunchKernel((const void *)kernel, dim3(1), dim3(1), arguments, 0, nullptr),
             cudaErrorInvalidDeviceFunction);
   EXPECT_VIOLATION("destroyed kernel");
   EXPECT_EQ(cudaLibraryUnload(library), cudaErrorInvalidResourceHandle);
   EXPECT_VIOLATION("destroyed library");
}

CASE(loading_ends_a_capture) {
   cudaStream_t stream;
   cudaGraph_t graph;
   cudaLibrary_t library;
   const std::string code = code_of("sm_80");
   OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
   OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
   EXPECT_EQ(load(&library, code), cudaErrorStreamCaptureUnsupported);
   EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
   OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
   cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
   OK(cudaThreadExchangeStreamCaptureMode(&mode));
   OK(load(&library, code));
   OK(cudaThreadExchangeStreamCaptureMode(&mode));
   OK(cudaStreamEndCapture(stream, &graph));
   OK(cudaGraphDestroy(graph));
}

CASE(halves_as_instructions_have_them) {
   nvrtcProgram program;
   const char *source = R"(
   #ifndef SC_F32_OF_F16
   #define SC_F32_OF_F16(y, x) asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x))
   #define SC_F16_OF_F32(y, x) asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y) : "f"(x))
   #endif
   extern "C" __global__ void there_and_back(float *wrong) {
      for (unsigned h = 0; h < 65536; h++) {
         float wide;
         unsigned short back;
         SC_F32_OF_F16(wide, (unsigned short)h);
         SC_F16_OF_F32(back, wide);
         bool nan = (h & 0x7fff) > 0x7c00;
         if (nan ? wide == wide || (back & 0x7fff) <= 0x7c00 : back != h) ++*wrong;
      }
      unsigned short rounded;
      SC_F16_OF_F32(rounded, 1 + 0.00048828125f); // a tie, to even
      if (rounded != 0x3c00) ++*wrong;
      SC_F16_OF_F32(rounded, 65519.0f);
      if (rounded != 0x7bff) ++*wrong;
      SC_F16_OF_F32(rounded, 65520.0f);
      if (rounded != 0x7c00) ++*wrong;
      SC_F16_OF_F32(rounded, 2.98023223876953125e-8f); // half of the smallest
      if (rounded != 0) ++*wrong;
   })";
   EXPECT_EQ(compile(&program, source, {"--gpu-architecture=sm_80"}), 0);
   std::string code;
   size_t size;
   EXPECT_EQ(nvrtcGetCUBINSize(program, &size), 0);
   code.resize(size);
   EXPECT_EQ(nvrtcGetCUBIN(program, code.data()), 0);
   EXPECT_EQ(nvrtcDestroyProgram(&program), 0);
   cudaLibrary_t library;
   cudaKernel_t kernel;
   OK(load(&library, code));
   OK(cudaLibraryGetKernel(&kernel, library, "there_and_back"));
   float *count = upload({0.0f});
   void *arguments[] = {&count};
   OK(cudaLaunchKernel((const void *)kernel, dim3(1), dim3(1), arguments, 0, nullptr));
   EXPECT_EQ(download(count, 1)[0], 0);
}
MAIN
