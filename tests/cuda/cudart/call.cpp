// Counting of calls, injected failures, the sticky error, violations and the report at exit.
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>
#include <unistd.h>
#include "../core.h"
#include "../softgpu.h"

namespace sg {

namespace {

struct Function {
   std::string name;
   size_t calls = 0, waits = 0;
};

struct Injection {
   std::string function;
   size_t countdown;
   int status;
};

struct Books {
   std::deque<Function> functions;
   std::map<std::string, size_t> index;
   std::vector<Injection> injections;
   std::vector<std::string> violations;
   size_t total = 0, waits = 0, spins = 0, injected = 0, forgotten = 0;
   cudaError_t sticky = cudaSuccess;
   std::string last_failure;
   bool strict = false, trace = false;
};

Books &books() {
   static Books *all = new Books; // never destroyed: other libraries' destructors may still call
   return *all;
}

size_t entry_of(const char *name) {
   auto [at, fresh] = books().index.try_emplace(name, books().functions.size());
   if (fresh) books().functions.push_back({name});
   return at->second;
}

bool starts(const char *text, const char *with) {
   return strncmp(text, with, strlen(with)) == 0;
}

// What a failure of that function looks like when the test does not say.
int usual_failure(const char *name, Library library) {
   switch (library) {
   case Library::cublas: return 13;                                  // CUBLAS_STATUS_EXECUTION_FAILED
   case Library::cudnn: return strstr(name, "Create") ? 4003 : 5000; // out of host memory, EXECUTION_FAILED
   case Library::nvrtc: return 11;                                   // NVRTC_ERROR_INTERNAL_ERROR
   case Library::nccl: return 2;                                     // ncclSystemError
   case Library::runtime: break;
   }
   if (starts(name, "cudaMalloc") || starts(name, "cudaHostAlloc")) return cudaErrorMemoryAllocation;
   if (starts(name, "cudaLaunch")) return cudaErrorLaunchOutOfResources;
   if (strstr(name, "Create")) return cudaErrorMemoryAllocation;
   return cudaErrorUnknown;
}

bool is_sticky(int status) {
   switch (status) {
   case cudaErrorIllegalAddress:
   case cudaErrorLaunchFailure:
   case cudaErrorLaunchTimeout:
   case cudaErrorHardwareStackError:
   case cudaErrorIllegalInstruction:
   case cudaErrorMisalignedAddress:
   case cudaErrorInvalidAddressSpace:
   case cudaErrorInvalidPc:
   case cudaErrorAssert:
   case cudaErrorECCUncorrectable: return true;
   default: return false;
   }
}

int sticky_of(Library library, cudaError_t error) {
   if (error == cudaSuccess) return 0;
   switch (library) {
   case Library::cublas: return 13;
   case Library::cudnn: return 5000;
   case Library::nccl: return 1; // ncclUnhandledCudaError
   default: return error;
   }
}

// The status of the injection that has come to its call, or -1.
int injection_due(const char *name, Library library) {
   int status = -1;
   auto &all = books().injections;
   for (auto at = all.begin(); at != all.end();) {
      if ((at->function == "*" || at->function == name) && --at->countdown == 0) {
         status = at->status ? at->status : usual_failure(name, library);
         at = all.erase(at);
      } else
         ++at;
   }
   return status;
}

} // namespace

std::recursive_mutex &big_lock() {
   static auto *lock = new std::recursive_mutex;
   return *lock;
}

namespace {

std::atomic<double> last_call{0};

double seconds_now() {
   timespec t;
   clock_gettime(CLOCK_MONOTONIC, &t);
   return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}

} // namespace

double idle_seconds() {
   return seconds_now() - last_call;
}

Call::Call(const char *name, Library library, bool asks_device) : lock_(big_lock()), name_(name) {
   last_call = seconds_now();
   entry_ = entry_of(name);
   Books &all = books();
   all.functions[entry_].calls++;
   all.total++;
   if (all.trace) fprintf(stderr, "softgpu: %zu %s\n", all.total, name);
   int due = injection_due(name, library);
   if (asks_device) status_ = sticky_of(library, all.sticky);
   if (due < 0 || status_ != 0) return;
   all.injected++;
   all.last_failure = name;
   injected_ = true;
   if (library == Library::runtime && is_sticky(due)) {
      if (starts(name, "cudaLaunch")) {
         late_ = due;
         return;
      }
      set_sticky(cudaError_t(due));
   }
   status_ = due;
}

void Call::waits(bool blocks) {
   books().functions[entry_].waits++;
   books().waits++;
   if (!blocks) books().spins++;
   if (books().trace) fprintf(stderr, "softgpu:   %s waits for the device\n", name_);
}

void violation(const char *format, ...) {
   char text[1024];
   va_list arguments;
   va_start(arguments, format);
   vsnprintf(text, sizeof text, format, arguments);
   va_end(arguments);
   std::lock_guard guard(big_lock());
   fprintf(stderr, "softgpu: violation: %s\n", text);
   books().violations.push_back(text);
   if (books().strict) abort();
}

cudaError_t sticky() {
   return books().sticky;
}

void set_sticky(cudaError_t error) {
   if (books().sticky == cudaSuccess) books().sticky = error;
   drop_everything();
}

void clear_sticky() {
   books().sticky = cudaSuccess;
}

const char *environment(const char *name, const char *otherwise) {
   const char *value = getenv(name);
   return value && *value ? value : otherwise;
}

bool computes() {
   static const bool all = strcmp(environment("SOFTGPU_COMPUTE", "all"), "none") != 0;
   return all;
}

namespace {

void write_json(FILE *to, const std::string &text) {
   fputc('"', to);
   for (unsigned char c : text) {
      if (c == '"' || c == '\\') fputc('\\', to);
      if (c < 0x20)
         fprintf(to, "\\u%04x", c);
      else
         fputc(c, to);
   }
   fputc('"', to);
}

void write_counts(FILE *to, const char *title, size_t Function::*field) {
   fprintf(to, "\"%s\":{", title);
   const char *comma = "";
   for (auto &f : books().functions) {
      if (f.*field == 0) continue;
      fprintf(to, "%s\"%s\":%zu", comma, f.name.c_str(), f.*field);
      comma = ",";
   }
   fprintf(to, "}");
}

void write_report(FILE *to) {
   Books &all = books();
   fprintf(to, "{\"total_calls\":%zu,", all.total);
   write_counts(to, "calls", &Function::calls);
   fprintf(to, ",");
   write_counts(to, "synchronisations", &Function::waits);
   fprintf(to, ",\"spins\":%zu,\"injected\":%zu,\"sticky\":%d,\"pending\":%zu,\"live\":{", all.spins,
           all.injected, all.sticky, pending());
   const char *comma = "";
   for (const char *kind : {"device memory", "pinned memory", "stream", "event", "graph", "executable graph",
                            "cublas handle", "cudnn handle", "tensor descriptor", "filter descriptor",
                            "convolution descriptor", "pooling descriptor", "activation descriptor",
                            "nvrtc program", "library", "kernel", "nccl communicator"}) {
      size_t n = softgpu_live(kind);
      if (n) fprintf(to, "%s\"%s\":%zu", comma, kind, n), comma = ",";
   }
   fprintf(to, "},\"violations\":[");
   comma = "";
   for (auto &text : all.violations) {
      fputs(comma, to);
      write_json(to, text);
      comma = ",";
   }
   fprintf(to, "]}\n");
}

__attribute__((destructor)) void report_at_exit() {
   std::string file = environment("SOFTGPU_REPORT", "");
   if (file.empty()) return;
   if (size_t at = file.find("%p"); at != std::string::npos) file.replace(at, 2, std::to_string(getpid()));
   std::lock_guard guard(big_lock());
   bool to_stderr = file == "-";
   FILE *to = to_stderr ? stderr : fopen(file.c_str(), "w");
   if (!to) {
      perror(file.c_str());
      return;
   }
   write_report(to);
   if (!to_stderr) fclose(to);
}

__attribute__((constructor)) void read_environment() {
   books().strict = strcmp(environment("SOFTGPU_STRICT", "0"), "0") != 0;
   books().trace = strcmp(environment("SOFTGPU_TRACE", "0"), "0") != 0;
   std::string list = environment("SOFTGPU_FAIL", "");
   for (size_t at = 0; at < list.size();) {
      size_t end = std::min(list.find(',', at), list.size());
      char name[96];
      size_t n = 0;
      int status = 0;
      if (sscanf(list.substr(at, end - at).c_str(), "%95[^:]:%zu:%d", name, &n, &status) >= 2 && n > 0)
         softgpu_fail(name, n, status);
      else
         violation("SOFTGPU_FAIL: not FUNCTION:N[:STATUS]: %s", list.substr(at, end - at).c_str());
      at = end + 1;
   }
}

} // namespace

} // namespace sg

using namespace sg;

extern "C" {

size_t softgpu_calls(const char *function) {
   std::lock_guard guard(big_lock());
   return function ? books().functions[entry_of(function)].calls : books().total;
}

const char *softgpu_function(size_t i) {
   std::lock_guard guard(big_lock());
   return i < books().functions.size() ? books().functions[i].name.c_str() : nullptr;
}

size_t softgpu_synchronisations(const char *function) {
   std::lock_guard guard(big_lock());
   return function ? books().functions[entry_of(function)].waits : books().waits;
}

void softgpu_fail(const char *function, size_t n, int status) {
   std::lock_guard guard(big_lock());
   if (n > 0) books().injections.push_back({function, n, status});
}

void softgpu_fail_nothing(void) {
   std::lock_guard guard(big_lock());
   books().injections.clear();
}

size_t softgpu_failures_injected(void) {
   std::lock_guard guard(big_lock());
   return books().injected;
}

const char *softgpu_last_failure(void) {
   std::lock_guard guard(big_lock());
   return books().last_failure.c_str();
}

size_t softgpu_live(const char *kind) {
   std::lock_guard guard(big_lock());
   if (!kind) return memory_live(false) + memory_live(true) + object_count(nullptr);
   if (strcmp(kind, "device memory") == 0) return memory_live(false);
   if (strcmp(kind, "pinned memory") == 0) return memory_live(true);
   return object_count(kind);
}

size_t softgpu_violations(void) {
   std::lock_guard guard(big_lock());
   return books().violations.size();
}

const char *softgpu_last_violation(void) {
   std::lock_guard guard(big_lock());
   return books().violations.empty() ? "" : books().violations.back().c_str();
}

void softgpu_forget_violations(void) {
   std::lock_guard guard(big_lock());
   books().violations.clear();
}

void softgpu_revive(void) {
   std::lock_guard guard(big_lock());
   drop_everything();
   clear_sticky();
   books().violations.clear();
   books().injections.clear();
   cudaGetLastError();
}

size_t softgpu_pending(void) {
   std::lock_guard guard(big_lock());
   return pending();
}
}
