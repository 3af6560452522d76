// What the software GPU's NVRTC makes and its runtime loads, in place of a cubin: a shared object with a header
// before it. As PTX it is a text: the same in hexadecimal digits.
#ifndef SOFTGPU_IMAGE_H
#define SOFTGPU_IMAGE_H

#include <cstdint>
#include <cstring>
#include <string>

namespace sg {

struct ImageHeader {
   char magic[8] = {'s', 'o', 'f', 't', 'c', 'u', 'b', 0};
   int32_t arch = 0;
   uint32_t checksum = 0; // of the object
   uint64_t bytes = 0;    // of it
};

const char ptx_magic[] = "// softgpu ptx\n";

inline uint32_t image_checksum(const char *data, size_t bytes) {
   uint32_t h = 2166136261u;
   for (size_t i = 0; i < bytes; i++) h = (h ^ static_cast<unsigned char>(data[i])) * 16777619u;
   return h;
}

inline std::string make_image(const std::string &object, int arch) {
   ImageHeader header;
   header.arch = arch;
   header.bytes = object.size();
   header.checksum = image_checksum(object.data(), object.size());
   return std::string(reinterpret_cast<const char *>(&header), sizeof header) + object;
}

inline std::string image_as_text(const std::string &image) {
   static const char digits[] = "0123456789abcdef";
   std::string text = ptx_magic;
   for (unsigned char c : image) text += digits[c >> 4], text += digits[c & 15];
   return text;
}

inline std::string image_of_text(const char *text) {
   std::string image;
   auto value = [](char c) { return c >= 'a' ? c - 'a' + 10 : c - '0'; };
   for (const char *p = text + strlen(ptx_magic); p[0] && p[1]; p += 2)
      image += static_cast<char>(value(p[0]) << 4 | value(p[1]));
   return image;
}

} // namespace sg

#endif
