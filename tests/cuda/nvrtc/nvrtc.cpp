// NVRTC: programs, what is compiled of them by g++, and the log in NVRTC's words.
#include <nvrtc.h>

#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>
#include "../core.h"
#include "../image.h"
#include "compile.h"

namespace sg {

namespace {

const int known_archs[] = {75, 80, 86, 87, 88, 89, 90, 100, 103, 110, 120, 121};

struct Program {
   std::string source, name, log, cubin, ptx;
   std::map<std::string, std::string> headers;
   bool compiled = false;
};

std::shared_ptr<Program> program_of(nvrtcProgram handle) {
   return find<Program>("nvrtc program", handle);
}

struct RtcCall : Call {
   explicit RtcCall(const char *name) : Call(name, Library::nvrtc, false) {}
   nvrtcResult done(nvrtcResult own = NVRTC_SUCCESS) const { return refused() ? nvrtcResult(refused()) : own; }
};

bool starts(const std::string &text, const char *with) {
   return text.rfind(with, 0) == 0;
}

// What "sm_90" asks for, and whether it is a real architecture.
bool read_arch(const std::string &text, int *arch, bool *real) {
   *real = starts(text, "sm_");
   if (!*real && !starts(text, "compute_")) return false;
   *arch = atoi(text.c_str() + text.find('_') + 1);
   for (int known : known_archs)
      if (known == *arch) return true;
   return false;
}

struct Options {
   int arch = 75;
   bool real = false;
   std::string unknown;
};

// Those that have been needed so far; of the others a test would not show what they do.
Options read_options(int n, const char *const *all) {
   Options found;
   const char architecture[] = "--gpu-architecture=", shorter[] = "-arch=";
   for (int i = 0; i < n; i++) {
      std::string option = all[i];
      if (starts(option, architecture) || starts(option, shorter)) {
         std::string value = option.substr(option.find('=') + 1);
         if (!read_arch(value, &found.arch, &found.real)) found.unknown = option;
      } else if (option != "--std=c++17" && option != "-std=c++17") {
         found.unknown = option;
      }
   }
   return found;
}

nvrtcResult compile(Program &p, const Options &options) {
   if (!options.unknown.empty()) {
      p.log = "nvrtc: error: unrecognized option " + options.unknown + " found\n";
      return NVRTC_ERROR_INVALID_OPTION;
   }
   std::string object;
   if (!compile_source(p.source, p.name, p.headers, &object, &p.log)) return NVRTC_ERROR_COMPILATION;
   std::string image = make_image(object, options.arch);
   p.ptx = image_as_text(image);
   if (options.real) p.cubin = image;
   return NVRTC_SUCCESS;
}

// Whether the program can be asked for what came of it.
nvrtcResult asked(const std::shared_ptr<Program> &p, const char *function, nvrtcProgram handle,
                  const void *out) {
   if (!p) {
      violation("%s: %s", function, object_state(handle));
      return NVRTC_ERROR_INVALID_PROGRAM;
   }
   return out && p->compiled ? NVRTC_SUCCESS : NVRTC_ERROR_INVALID_INPUT;
}

// With the zero at its end where it is a text.
nvrtcResult give_size(const char *function, nvrtcProgram handle, size_t *out, std::string Program::*what,
                      bool text) {
   RtcCall call(function);
   if (call.refused()) return call.done();
   auto p = program_of(handle);
   nvrtcResult result = asked(p, function, handle, out);
   if (result == NVRTC_SUCCESS) *out = ((*p).*what).size() + text;
   return call.done(result);
}

nvrtcResult give(const char *function, nvrtcProgram handle, char *out, std::string Program::*what, bool text) {
   RtcCall call(function);
   if (call.refused()) return call.done();
   auto p = program_of(handle);
   nvrtcResult result = asked(p, function, handle, out);
   if (result == NVRTC_SUCCESS) memcpy(out, ((*p).*what).c_str(), ((*p).*what).size() + text);
   return call.done(result);
}

} // namespace

} // namespace sg

using namespace sg;

extern "C" {

const char *nvrtcGetErrorString(nvrtcResult result) {
   switch (result) {
   case NVRTC_SUCCESS: return "NVRTC_SUCCESS";
   case NVRTC_ERROR_OUT_OF_MEMORY: return "NVRTC_ERROR_OUT_OF_MEMORY";
   case NVRTC_ERROR_PROGRAM_CREATION_FAILURE: return "NVRTC_ERROR_PROGRAM_CREATION_FAILURE";
   case NVRTC_ERROR_INVALID_INPUT: return "NVRTC_ERROR_INVALID_INPUT";
   case NVRTC_ERROR_INVALID_PROGRAM: return "NVRTC_ERROR_INVALID_PROGRAM";
   case NVRTC_ERROR_INVALID_OPTION: return "NVRTC_ERROR_INVALID_OPTION";
   case NVRTC_ERROR_COMPILATION: return "NVRTC_ERROR_COMPILATION";
   case NVRTC_ERROR_BUILTIN_OPERATION_FAILURE: return "NVRTC_ERROR_BUILTIN_OPERATION_FAILURE";
   case NVRTC_ERROR_INTERNAL_ERROR: return "NVRTC_ERROR_INTERNAL_ERROR";
   default: return "NVRTC_ERROR unknown";
   }
}

nvrtcResult nvrtcVersion(int *major, int *minor) {
   RtcCall call("nvrtcVersion");
   if (call.refused()) return call.done();
   if (!major || !minor) return call.done(NVRTC_ERROR_INVALID_INPUT);
   *major = 13, *minor = 0;
   return call.done();
}

nvrtcResult nvrtcGetNumSupportedArchs(int *count) {
   RtcCall call("nvrtcGetNumSupportedArchs");
   if (call.refused()) return call.done();
   if (!count) return call.done(NVRTC_ERROR_INVALID_INPUT);
   *count = int(std::size(known_archs));
   return call.done();
}

nvrtcResult nvrtcGetSupportedArchs(int *archs) {
   RtcCall call("nvrtcGetSupportedArchs");
   if (call.refused()) return call.done();
   if (!archs) return call.done(NVRTC_ERROR_INVALID_INPUT);
   std::copy(std::begin(known_archs), std::end(known_archs), archs);
   return call.done();
}

nvrtcResult nvrtcCreateProgram(nvrtcProgram *out, const char *source, const char *name, int n,
                               const char *const *headers, const char *const *names) {
   RtcCall call("nvrtcCreateProgram");
   if (call.refused()) return call.done();
   if (!out || !source || n < 0 || (n > 0 && (!headers || !names))) return call.done(NVRTC_ERROR_INVALID_INPUT);
   auto p = std::make_shared<Program>();
   p->source = source;
   p->name = name && *name ? name : "default_program";
   for (int i = 0; i < n; i++) p->headers[names[i]] = headers[i];
   *out = static_cast<nvrtcProgram>(object_add("nvrtc program", p));
   return call.done();
}

// Does its work also where it fails.
nvrtcResult nvrtcDestroyProgram(nvrtcProgram *program) {
   RtcCall call("nvrtcDestroyProgram");
   if (!program) return call.done(NVRTC_ERROR_INVALID_PROGRAM);
   bool known = object_remove("nvrtc program", *program);
   if (!known) violation("nvrtcDestroyProgram: %s", object_state(*program));
   *program = nullptr;
   return call.done(known ? NVRTC_SUCCESS : NVRTC_ERROR_INVALID_PROGRAM);
}

nvrtcResult nvrtcCompileProgram(nvrtcProgram handle, int n, const char *const *options) {
   RtcCall call("nvrtcCompileProgram");
   if (call.refused()) return call.done();
   auto p = program_of(handle);
   if (!p) violation("nvrtcCompileProgram: %s", object_state(handle));
   if (!p) return call.done(NVRTC_ERROR_INVALID_PROGRAM);
   if (n < 0 || (n > 0 && !options)) return call.done(NVRTC_ERROR_INVALID_INPUT);
   p->compiled = true;
   p->cubin.clear(), p->ptx.clear(), p->log.clear();
   return call.done(compile(*p, read_options(n, options)));
}

nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram program, size_t *size) {
   return give_size("nvrtcGetProgramLogSize", program, size, &Program::log, true);
}

nvrtcResult nvrtcGetProgramLog(nvrtcProgram program, char *log) {
   return give("nvrtcGetProgramLog", program, log, &Program::log, true);
}

nvrtcResult nvrtcGetCUBINSize(nvrtcProgram program, size_t *size) {
   return give_size("nvrtcGetCUBINSize", program, size, &Program::cubin, false);
}

nvrtcResult nvrtcGetCUBIN(nvrtcProgram program, char *cubin) {
   return give("nvrtcGetCUBIN", program, cubin, &Program::cubin, false);
}

nvrtcResult nvrtcGetPTXSize(nvrtcProgram program, size_t *size) {
   return give_size("nvrtcGetPTXSize", program, size, &Program::ptx, true);
}

nvrtcResult nvrtcGetPTX(nvrtcProgram program, char *ptx) {
   return give("nvrtcGetPTX", program, ptx, &Program::ptx, true);
}
}
