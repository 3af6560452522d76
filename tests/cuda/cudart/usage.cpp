// What kernels take of a multiprocessor, in the words of ptxas (nvcc -Xptxas -v), which lie beside the library
// or program that holds the kernels, as FILE.ptxas.
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <dlfcn.h>
#include "usage.h"

namespace sg {

namespace {

using Record = std::map<std::string, Usage>; // by name; empty where there is none

// The number in front of `unit`, as in "40960 bytes smem".
int number_before(const std::string &line, const char *unit) {
   size_t end = line.find(unit);
   if (end == line.npos) return 0;
   size_t start = line.find_last_not_of("0123456789", end - 1);
   return atoi(line.c_str() + start + 1);
}

// A kernel that was compiled for several cards, or one of two files that call theirs the same, takes the most.
void add(Usage &to, const std::string &line) {
   to.registers = std::max(to.registers, number_before(line, " registers"));
   to.shared = std::max(to.shared, size_t(number_before(line, " bytes smem")));
}

Record read_record(const std::string &path) {
   Record record;
   std::ifstream file(path);
   std::string line, name;
   const std::string begins = "Compiling entry function '", uses = ": Used ";
   while (std::getline(file, line)) {
      size_t at = line.find(begins);
      if (at != line.npos) {
         at += begins.size();
         name = demangled(line.substr(at, line.find('\'', at) - at).c_str());
      } else if (line.find(uses) != line.npos) {
         add(record[name], line);
      }
   }
   return record;
}

// build/softgpu/scute_cuda.so -> build/softgpu/scute_cuda.ptxas
const Record &record_of(const char *file) {
   static auto *records = new std::map<std::string, Record>;
   auto [at, fresh] = records->try_emplace(file);
   if (!fresh) return at->second;
   std::string path = file;
   if (path.ends_with(".so")) path.resize(path.size() - 3);
   return at->second = read_record(path + ".ptxas");
}

size_t round_up(size_t n, size_t unit) {
   return (n + unit - 1) / unit * unit;
}

const size_t register_file = 65536, warp = 32;

// Registers are given out by eights to each thread, and to four warps at a time.
size_t registers_of_warp(const Usage &usage) {
   return round_up(size_t(std::max(usage.registers, 1)), 8) * warp;
}

} // namespace

Usage usage_of(const void *function, const std::string &name) {
   Dl_info info;
   if (!dladdr(function, &info)) return {};
   const Record &record = record_of(info.dli_fname);
   auto at = record.find(name);
   if (at != record.end()) return at->second;
   if (!record.empty()) violation("kernel %s: ptxas has said nothing of it", name.c_str());
   return {};
}

size_t block_registers(const Usage &usage, size_t threads) {
   return registers_of_warp(usage) * round_up((threads + warp - 1) / warp, 4);
}

size_t most_threads(const Usage &usage) {
   return std::min<size_t>(1024, register_file / registers_of_warp(usage) / 4 * 4 * warp);
}

size_t resident_blocks(const Usage &usage, size_t threads, size_t dynamic_shared) {
   const size_t blocks = 16, all_threads = 1536, shared = 100 << 10, reserved = 1 << 10;
   return std::min({blocks, all_threads / threads, shared / (usage.shared + dynamic_shared + reserved),
                    register_file / block_registers(usage, threads)});
}

} // namespace sg
