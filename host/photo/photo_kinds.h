// The kinds of many files.
#ifndef SCUTE_PHOTO_KINDS_H
#define SCUTE_PHOTO_KINDS_H

#include <stdint.h>

// The kinds (ScPhotoKind, see host/photo/photo_kind.h) of n files, by up to `workers` threads, the caller among
// them. errors[i] is the errno of a file that cannot be read, whose kind is SC_PHOTO_NONE then, or 0.
void sc_photo_kinds(const char *const *paths, int64_t n, int workers, unsigned char *kinds, int *errors);

#endif
