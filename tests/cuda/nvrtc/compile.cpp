#include "compile.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <vector>
#include <dlfcn.h>
#include "../core.h"

namespace sg {

namespace {

namespace fs = std::filesystem;

struct Folder {
   std::string path;
   Folder() {
      std::string name = (fs::temp_directory_path() / "softgpu-nvrtc-XXXXXX").string();
      const char *made = mkdtemp(name.data());
      if (made) path = made;
   }
   ~Folder() {
      std::error_code ignored;
      if (!path.empty()) fs::remove_all(path, ignored);
   }
};

std::string read_file(const std::string &path) {
   std::ifstream file(path, std::ios::binary);
   std::stringstream text;
   text << file.rdbuf();
   return text.str();
}

void write_file(const std::string &path, const std::string &text) {
   std::ofstream(path, std::ios::binary) << text;
}

// build/softgpu/lib, where the runtime's stand-in is, too.
std::string library_folder() {
   Dl_info info;
   if (!dladdr(reinterpret_cast<const void *>(compile_source), &info)) return ".";
   return fs::path(info.dli_fname).parent_path().string();
}

std::string without_comments(const std::string &source) {
   return std::regex_replace(source, std::regex("//[^\n]*|/\\*[^*]*\\*+(?:[^/*][^*]*\\*+)*/"), " ");
}

// NVRTC has no folders to look in: what is included is what it was given.
bool knows_headers(const std::string &source, const std::string &name,
                   const std::map<std::string, std::string> &headers, std::string *log) {
   const std::regex include("(^|\n)[ \t]*#[ \t]*include[ \t]*[<\"]([^>\"\n]*)[>\"]");
   for (std::sregex_iterator at(source.begin(), source.end(), include), end; at != end; ++at) {
      if (headers.count((*at)[2])) continue;
      *log += name + "(1): catastrophic error: could not open source file \"" + (*at)[2].str() +
              "\" (no directories in search list)\n";
   }
   return log->empty();
}

// Only names that C++ does not change can be asked for.
std::vector<std::string> kernels_in(const std::string &source) {
   std::vector<std::string> names;
   const std::regex kernel("extern\\s*\"C\"\\s*__global__\\s+void\\s+(?:__launch_bounds__\\s*\\([^)]*\\)\\s*)?("
                           "[A-Za-z_]\\w*)\\s*\\(");
   for (std::sregex_iterator at(source.begin(), source.end(), kernel), end; at != end; ++at)
      names.push_back((*at)[1]);
   return names;
}

std::string list_of(const std::vector<std::string> &names) {
   std::string text =
       "\n#line 1 \"softgpu\"\nextern \"C\" void softgpu_kernels(void (*tell)(const char *, const void *)) {\n";
   for (auto &name : names)
      text += "softgpu::enrol(" + name + "); tell(\"" + name + "\", reinterpret_cast<const void *>(" + name +
              "));\n";
   return text + "}\n";
}

// "PLACE:2:5: error: ..." as "PLACE(2): error: ...".
std::string as_nvrtc_says(const std::string &said) {
   std::string log;
   std::istringstream lines(said);
   const std::regex form("(.*):(\\d+):\\d+: (?:fatal )?error: (.*)");
   int errors = 0;
   for (std::string line; std::getline(lines, line);) {
      std::smatch found;
      if (!std::regex_match(line, found, form)) continue;
      log += found[1].str() + "(" + found[2].str() + "): error: " + found[3].str() + "\n\n";
      errors++;
   }
   if (!errors) return said;
   return log + std::to_string(errors) + " errors detected in the compilation\n";
}

int run(const std::string &command) {
   return system(command.c_str());
}

} // namespace

bool compile_source(const std::string &source, const std::string &name,
                    const std::map<std::string, std::string> &headers, std::string *object, std::string *log) {
   std::string plain = without_comments(source);
   if (!knows_headers(plain, name, headers, log)) return false;
   Folder folder;
   const std::string in = folder.path + "/kernel.cu", out = folder.path + "/kernel.so",
                     said = folder.path + "/log";
   for (auto &[header, text] : headers) write_file(folder.path + "/" + header, text);
   write_file(in, "#line 1 \"" + name + "\"\n" + source + list_of(kernels_in(plain)));
   const std::string library = library_folder() + "/libcudart.so.13";
   std::string command = "LC_ALL=C " SOFTGPU_COMPILER " -shared -I'" + folder.path + "' -o '" + out + "' '" +
                         in + "' -x none '" + library + "' >'" + said + "' 2>&1 </dev/null";
   if (run(command) != 0) {
      *log = as_nvrtc_says(read_file(said));
      return false;
   }
   *object = read_file(out);
   return true;
}

} // namespace sg
