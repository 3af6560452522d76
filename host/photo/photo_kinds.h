// What the first bytes of many files tell.
#ifndef SCUTE_PHOTO_KINDS_H
#define SCUTE_PHOTO_KINDS_H

#include <stdint.h>

// The kinds (ScPhotoKind, see host/photo/photo_kind.h) of n files, by up to `workers` threads, the caller among
// them. errors[i] is the errno of a file that cannot be read, whose kind is SC_PHOTO_NONE then, or 0.
void sc_photo_kinds(const char *const *paths, int64_t n, int workers, unsigned char *kinds, int *errors);

// Numbers by which equal files are found, of their sizes and first bytes: those of equal files are equal, those
// of others seldom. -1: cannot be read.
void sc_photo_marks(const char *const *paths, int64_t n, int workers, int64_t *marks);

#endif
