// The kinds of photo that are known, told by a file's first bytes: its name says nothing.
#ifndef SCUTE_PHOTO_KIND_H
#define SCUTE_PHOTO_KIND_H

#include "host/photo/image_format.h"

typedef enum {
   SC_PHOTO_NONE, // something else
   SC_PHOTO_JPEG,
   SC_PHOTO_PNG,
   SC_PHOTO_GIF,
   SC_PHOTO_BMP,
   SC_PHOTO_WEBP,
   SC_PHOTO_AVIF,
   SC_PHOTO_HEIC,
   SC_PHOTO_JXL,
   SC_PHOTO_JP2,
   SC_PHOTO_PSD,
   // Raw: what the sensor saw. Many look like a TIFF at first.
   SC_PHOTO_CR2,
   SC_PHOTO_CR3,
   SC_PHOTO_NEF,
   SC_PHOTO_ARW,
   SC_PHOTO_DNG,
   SC_PHOTO_ORF,
   SC_PHOTO_RW2,
   SC_PHOTO_RAF,
   SC_PHOTO_TIFF,
   SC_PHOTO_KINDS,
} ScPhotoKind;

// So many first bytes tell, or the whole of a shorter file.
enum { SC_PHOTO_HEAD = 4096 };

ScPhotoKind sc_photo_kind(ScBytes head);
// "JPEG", "WebP", ...
const char *sc_photo_kind_name(ScPhotoKind);
// SC_EFORMAT where this program decodes no photo of that kind: the message says what it is and what to do.
ScStatus sc_photo_kind_check(ScPhotoKind);

// ---- for the decoders, each of which enters here before main: one that is not compiled is just absent ----

typedef ScStatus (*ScPhotoDecoder)(ScBytes, const ScImageLimits *, const ScPurpose *, ScPhoto *out);

void sc_photo_register(ScPhotoKind, ScPhotoDecoder);
ScPhotoDecoder sc_photo_decoder(ScPhotoKind); // NULL where there is none

#define SC_PHOTO_READER(kind, decoder)                                                                         \
   __attribute__((constructor)) static void register_##decoder(void) {                                         \
      sc_photo_register(kind, decoder);                                                                        \
   }

#endif
