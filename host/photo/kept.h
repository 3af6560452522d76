// Decoded photos that an earlier run of the same --watch has left (see host/core/store.h). They are known by
// the stamp of their file, so that one that was replaced is decoded anew. Everywhere else nothing is kept.
#ifndef SCUTE_KEPT_H
#define SCUTE_KEPT_H

#include "host/core/stamp.h"
#include "host/photo/crop.h"
#include "host/photo/image_decode.h"
#include "host/photo/image_transform.h"
#include "host/photo/look.h"

// A photo as it is now.
typedef struct {
   const char *path;
   ScStamp stamp;
   int64_t max_pixels, max_bytes;
} ScKeptFile;

// False where nothing is kept of it.
bool sc_kept_file(const char *path, const ScImageLimits *, ScKeptFile *);

// What a network sees of a photo, and what is told of its file.
typedef struct {
   ScImage image;
   ScDigest digest;
   ScLook look;
   bool lacks_end;
   bool is_cut; // see sc_crop_decode
} ScPrepared;

// The photo, or what of it is seen (`crop`, which may be NULL), after this preprocessing, up to its mean and
// std. Finding makes a copy, which is the caller's.
bool sc_kept_find_prepared(const ScKeptFile *, const ScCrop *crop, const ScPreprocess *, ScPrepared *out);
void sc_kept_keep_prepared(const ScKeptFile *, const ScCrop *crop, const ScPreprocess *, const ScPrepared *);

// sc_image_decode_photo, which keeps what it decoded.
ScStatus sc_kept_decode(const char *path, const ScImageLimits *, const ScPurpose *, ScPhoto *out);

#endif
