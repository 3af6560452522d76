// Names of functions, hidden ones too, from the symbol table of the file that they came from.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../core.h"

namespace sg {

std::string demangled(const char *symbol) {
   int status;
   char *text = abi::__cxa_demangle(symbol, nullptr, nullptr, &status);
   std::string name = text ? text : symbol;
   free(text);
   const std::string anonymous = "(anonymous namespace)::";
   for (size_t at; (at = name.find(anonymous)) != name.npos;) name.erase(at, anonymous.size());
   return name;
}

namespace {

// The symbol at that offset, or null.
const char *symbol_at(const char *file, uint64_t offset) {
   auto header = reinterpret_cast<const Elf64_Ehdr *>(file);
   auto sections = reinterpret_cast<const Elf64_Shdr *>(file + header->e_shoff);
   for (int i = 0; i < header->e_shnum; i++) {
      if (sections[i].sh_type != SHT_SYMTAB && sections[i].sh_type != SHT_DYNSYM) continue;
      auto symbols = reinterpret_cast<const Elf64_Sym *>(file + sections[i].sh_offset);
      const char *names = file + sections[sections[i].sh_link].sh_offset;
      for (size_t s = 0; s < sections[i].sh_size / sizeof *symbols; s++)
         if (ELF64_ST_TYPE(symbols[s].st_info) == STT_FUNC && symbols[s].st_value == offset)
            return names + symbols[s].st_name;
   }
   return nullptr;
}

std::string from_file(const char *path, uint64_t offset) {
   std::string name;
   int file = open(path, O_RDONLY | O_CLOEXEC);
   struct stat about;
   if (file < 0) return name;
   if (fstat(file, &about) == 0) {
      void *data = mmap(nullptr, size_t(about.st_size), PROT_READ, MAP_PRIVATE, file, 0);
      if (data != MAP_FAILED) {
         const char *symbol = symbol_at(static_cast<const char *>(data), offset);
         if (symbol) name = demangled(symbol);
         munmap(data, size_t(about.st_size));
      }
   }
   close(file);
   return name;
}

} // namespace

std::string function_name(const void *function) {
   Dl_info info;
   if (!dladdr(function, &info)) return "?";
   if (info.dli_sname && info.dli_saddr == function) return demangled(info.dli_sname);
   uint64_t offset = uint64_t(uintptr_t(function) - uintptr_t(info.dli_fbase));
   std::string name = from_file(info.dli_fname, offset);
   if (!name.empty()) return name;
   char text[32];
   snprintf(text, sizeof text, "+0x%zx", size_t(offset));
   return info.dli_fname + std::string(text);
}

} // namespace sg
