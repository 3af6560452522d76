// Around what a backend's plugin may call: C linkage, also for CUDA's C++, and symbols that the program
// exports.
#ifndef SCUTE_API_H
#define SCUTE_API_H

#ifdef __cplusplus
#define SC_C_BEGIN extern "C" {
#define SC_C_END   }
#else
#define SC_C_BEGIN
#define SC_C_END
#endif

#define SC_API_BEGIN SC_C_BEGIN _Pragma("GCC visibility push(default)")
#define SC_API_END   _Pragma("GCC visibility pop") SC_C_END

#endif
