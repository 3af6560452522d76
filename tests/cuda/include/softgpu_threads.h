// What threads of a block do together: barriers, shuffles, votes, atomics.
#ifndef SOFTGPU_THREADS_H
#define SOFTGPU_THREADS_H

#include <cstdint>
#include <cstring>

extern "C" {
enum SoftgpuExchange { softgpu_index, softgpu_up, softgpu_down, softgpu_xor, softgpu_sync, softgpu_ballot };
enum SoftgpuBarrier { softgpu_plain, softgpu_count, softgpu_and, softgpu_or };
int softgpu_barrier(int kind, int predicate, const char *file, int line);
uint64_t softgpu_exchange(int kind, unsigned mask, uint64_t value, int lane, int width, const char *file,
                          int line);
}

// The place of the call, for messages.
#define SOFTGPU_PLACE const char *file = __builtin_FILE(), int line = __builtin_LINE()

inline void __syncthreads(SOFTGPU_PLACE) {
   softgpu_barrier(softgpu_plain, 0, file, line);
}
inline int __syncthreads_count(int p, SOFTGPU_PLACE) {
   return softgpu_barrier(softgpu_count, p, file, line);
}
inline int __syncthreads_and(int p, SOFTGPU_PLACE) {
   return softgpu_barrier(softgpu_and, p, file, line);
}
inline int __syncthreads_or(int p, SOFTGPU_PLACE) {
   return softgpu_barrier(softgpu_or, p, file, line);
}

inline void __syncwarp(unsigned mask = 0xffffffffu, SOFTGPU_PLACE) {
   softgpu_exchange(softgpu_sync, mask, 0, 0, 32, file, line);
}

namespace softgpu {

template <class T>
inline T exchange(int kind, unsigned mask, T value, int lane, int width, const char *file, int line) {
   static_assert(sizeof(T) <= 8, "a shuffle moves at most 8 bytes");
   uint64_t bits = 0;
   memcpy(static_cast<void *>(&bits), &value, sizeof value);
   bits = softgpu_exchange(kind, mask, bits, lane, width, file, line);
   memcpy(static_cast<void *>(&value), &bits, sizeof value);
   return value;
}

} // namespace softgpu

template <class T> inline T __shfl_sync(unsigned mask, T value, int lane, int width = 32, SOFTGPU_PLACE) {
   return softgpu::exchange(softgpu_index, mask, value, lane, width, file, line);
}
template <class T> inline T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32, SOFTGPU_PLACE) {
   return softgpu::exchange(softgpu_up, mask, value, int(by), width, file, line);
}
template <class T>
inline T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32, SOFTGPU_PLACE) {
   return softgpu::exchange(softgpu_down, mask, value, int(by), width, file, line);
}
template <class T> inline T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, SOFTGPU_PLACE) {
   return softgpu::exchange(softgpu_xor, mask, value, lanes, width, file, line);
}
inline unsigned __ballot_sync(unsigned mask, int p, SOFTGPU_PLACE) {
   return unsigned(softgpu_exchange(softgpu_ballot, mask, p != 0, 0, 32, file, line));
}
inline int __any_sync(unsigned mask, int p, SOFTGPU_PLACE) {
   return softgpu_exchange(softgpu_ballot, mask, p != 0, 0, 32, file, line) != 0;
}
inline int __all_sync(unsigned mask, int p, SOFTGPU_PLACE) {
   return softgpu_exchange(softgpu_ballot, mask, p == 0, 0, 32, file, line) == 0;
}

inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}

// Threads run one at a time, so that any operation is atomic; each gives back the value from before.
template <class T> inline T atomicAdd(T *at, T by) {
   T was = *at;
   *at = was + by;
   return was;
}
template <class T> inline T atomicSub(T *at, T by) {
   T was = *at;
   *at = was - by;
   return was;
}
template <class T> inline T atomicMax(T *at, T with) {
   T was = *at;
   if (with > was) *at = with;
   return was;
}
template <class T> inline T atomicMin(T *at, T with) {
   T was = *at;
   if (with < was) *at = with;
   return was;
}
template <class T> inline T atomicExch(T *at, T with) {
   T was = *at;
   *at = with;
   return was;
}
template <class T> inline T atomicCAS(T *at, T expected, T with) {
   T was = *at;
   if (was == expected) *at = with;
   return was;
}
template <class T> inline T atomicOr(T *at, T with) {
   T was = *at;
   *at = was | with;
   return was;
}
template <class T> inline T atomicAnd(T *at, T with) {
   T was = *at;
   *at = was & with;
   return was;
}
template <class T> inline T atomicXor(T *at, T with) {
   T was = *at;
   *at = was ^ with;
   return was;
}

// Loads and stores that a GPU may cache in other ways.
template <class T> inline T __ldg(const T *p) {
   return *p;
}
template <class T> inline T __ldcg(const T *p) {
   return *p;
}
template <class T> inline T __ldca(const T *p) {
   return *p;
}
template <class T> inline T __ldcs(const T *p) {
   return *p;
}
template <class T> inline void __stcg(T *p, T value) {
   *p = value;
}
template <class T> inline void __stcs(T *p, T value) {
   *p = value;
}
template <class T> inline void __stwb(T *p, T value) {
   *p = value;
}

#endif
