// Photos out of files: decoded by content, turned by EXIF orientation.
//
// Not here: colour management (embedded profiles are ignored, as PIL and torchvision do), and animation and
// pages (the first one counts).
#ifndef SCUTE_IMAGE_DECODE_H
#define SCUTE_IMAGE_DECODE_H

#include "host/photo/image_format.h"

// Decode the file at `path`, or `bytes` in memory (`name` is for messages): a kind that photo_kind.h has a
// decoder for, whatever the name says. Transparency is put on white; EXIF orientation is applied. `limits` NULL
// means sc_image_limits. On failure `out` is empty and the message names the file; SC_EIO for what the disk
// refuses, SC_EFORMAT for what the file is. Decoding waits for its share of memory (see host/photo/budget.h),
// which is given back at the end.
ScStatus sc_image_decode(const char *path, const ScImageLimits *limits, ScImage *out);
ScStatus sc_image_decode_memory(const char *name, const void *bytes, size_t size, const ScImageLimits *limits,
                                ScImage *out);

// sc_image_decode for a purpose: at a part of the size, at a part of the price (what libjpeg-turbo's smaller
// inverse cosine transforms leave out), and with memory reserved that is the caller's until sc_photo_free.
ScStatus sc_image_decode_photo(const char *path, const ScImageLimits *limits, const ScPurpose *, ScPhoto *out);
// The image alone, whose memory is no longer the budget's; the photo is freed.
ScImage sc_photo_take_image(ScPhoto *);

#endif
