// What is called of libzip, under its own names without "zip_": libzip.fread. It brings OpenSSL along, and few
// runs read an archive, so it is opened at its first use.
#ifndef SCUTE_LIBZIP_H
#define SCUTE_LIBZIP_H

#include <zip.h>

#include "host/core/status.h"

// clang-format off
#define SC_LIBZIP(F) \
   F(discard) F(error_code_zip) F(error_fini) F(error_init) F(error_set) F(error_strerror) \
   F(error_to_data) F(fclose) F(fopen_index) F(fread) F(get_error) F(get_name) F(get_num_entries) \
   F(name_locate) F(open_from_source) F(source_free) F(source_function_create) \
   F(source_seek_compute_offset) F(stat_index) F(stat_init)
// clang-format on
#define SC_LIBZIP_POINTER(name) __typeof__(zip_##name) *name;

extern struct ScLibzip { SC_LIBZIP(SC_LIBZIP_POINTER) } libzip;

// Before the first call of any of them. SC_EUNSUPPORTED: the library is not there; SC_EMEM.
ScStatus sc_libzip_open(void);

#endif
