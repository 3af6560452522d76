#include "host/core/digest.h"

// FNV-1a.
uint64_t sc_digest(uint64_t before, const void *bytes, size_t n) {
   uint64_t hash = before ? before : 0xcbf29ce484222325u;
   const unsigned char *at = bytes;
   for (size_t i = 0; i < n; i++) hash = (hash ^ at[i]) * 0x100000001b3u;
   return hash;
}
