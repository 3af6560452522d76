// A test program: cases that each run in a process of their own, so that what one breaks does not reach the
// next.
#ifndef SOFTGPU_CHECK_H
#define SOFTGPU_CHECK_H

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>
#include <cuda_runtime.h>
#include "../softgpu.h"

#ifndef SC_DYNAMIC_SHARED // as kernels/cuda/launch.cuh has it, where nvcc compiles this
#define SC_DYNAMIC_SHARED(type, name) extern __shared__ type name[]
#endif

struct Case {
   const char *name;
   void (*run)();
   const char *dies_saying; // null: it ends by itself
};

inline std::vector<Case> &cases() {
   static std::vector<Case> all;
   return all;
}
inline int &wrong() {
   static int n;
   return n;
}
struct Enrol {
   Enrol(const char *name, void (*run)(), const char *dies_saying) {
      cases().push_back({name, run, dies_saying});
   }
};

#define CASE_(name, dies)                                                                                      \
   static void name();                                                                                         \
   static Enrol enrol_##name(#name, name, dies);                                                               \
   static void name()
#define CASE(name)            CASE_(name, nullptr)
#define CASE_DIES(name, says) CASE_(name, says) // by a signal, after that text on stderr

#define EXPECT(condition)                                                                                      \
   do {                                                                                                        \
      if (!(condition)) printf("   line %d: not so: %s\n", __LINE__, #condition), wrong()++;                   \
   } while (0)
#define EXPECT_EQ(found, expected)                                                                             \
   do {                                                                                                        \
      long long found_ = (long long)(found), expected_ = (long long)(expected);                                \
      if (found_ != expected_)                                                                                 \
         printf("   line %d: %s is %lld, expected %lld\n", __LINE__, #found, found_, expected_), wrong()++;    \
   } while (0)
#define OK(call) EXPECT_EQ(call, 0)
// The software GPU has reported a fault whose text holds this.
#define EXPECT_VIOLATION(text)                                                                                 \
   do {                                                                                                        \
      if (!strstr(softgpu_last_violation(), text))                                                             \
         printf("   line %d: expected a violation with '%s', the last is '%s'\n", __LINE__, text,              \
                softgpu_last_violation()),                                                                     \
             wrong()++;                                                                                        \
   } while (0)

inline std::string slurp(FILE *f) {
   std::string text;
   rewind(f);
   for (int c; (c = fgetc(f)) != EOF;) text += char(c);
   return text;
}

inline bool run_case(const Case &c) {
   fflush(stdout);
   FILE *errors = tmpfile();
   pid_t child = fork();
   if (child == 0) {
      dup2(fileno(errors), 2);
      alarm(60); // a case that hangs is wrong, not slow
      c.run();
      fflush(stdout);
      _exit(wrong() ? 1 : 0);
   }
   int status;
   waitpid(child, &status, 0);
   std::string said = slurp(errors);
   fclose(errors);
   bool ok = c.dies_saying
                 ? WIFSIGNALED(status) && WTERMSIG(status) != SIGALRM && said.find(c.dies_saying) != said.npos
                 : WIFEXITED(status) && WEXITSTATUS(status) == 0;
   if (!ok)
      printf("FAILED %s (status %x)%s%s\n", c.name, status, said.empty() ? "" : "; it said: ", said.c_str());
   return ok;
}

// main of every program; with arguments, only the cases that they name.
inline int run_cases(int argc, char **argv) {
   int passed = 0, failed = 0;
   for (auto &c : cases()) {
      bool chosen = argc < 2;
      for (int i = 1; i < argc; i++) chosen |= strcmp(argv[i], c.name) == 0;
      if (chosen) run_case(c) ? passed++ : failed++;
   }
   printf("%d passed, %d failed\n", passed, failed);
   return failed ? 1 : 0;
}

#define MAIN                                                                                                   \
   int main(int argc, char **argv) {                                                                           \
      return run_cases(argc, argv);                                                                            \
   }

template <class... P, class... A>
cudaError_t launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared, cudaStream_t stream, A... a) {
   return [&](P... converted) {
      void *arguments[] = {(void *)&converted..., nullptr};
      return cudaLaunchKernel(kernel, grid, block, arguments, shared, stream);
   }(a...);
}

// n floats on the device, filled at once.
inline float *upload(const std::vector<float> &values) {
   float *d = nullptr;
   if (cudaMalloc(&d, values.size() * 4) != cudaSuccess) return nullptr;
   cudaMemcpy(d, values.data(), values.size() * 4, cudaMemcpyHostToDevice);
   cudaDeviceSynchronize();
   return d;
}

// After all work is done.
inline std::vector<float> download(const float *d, size_t n) {
   std::vector<float> values(n, -12345.0f);
   cudaDeviceSynchronize();
   cudaMemcpy(values.data(), d, n * 4, cudaMemcpyDeviceToHost);
   return values;
}

inline std::vector<float> numbers(size_t n, unsigned seed) {
   std::vector<float> x(n);
   for (auto &v : x)
      seed = seed * 1664525u + 1013904223u, v = float(int(seed >> 8 & 0xffff) - 32768) / 16384.0f;
   return x;
}

#endif
