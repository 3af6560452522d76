#include "host/photo/image_decode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/photo/budget.h"
#include "host/photo/image_jpeg.h"
#include "host/photo/image_stb.h"

typedef ScStatus (*Decoder)(ScBytes, const ScImageLimits *, const ScPurpose *, ScPhoto *);

// What a file's first bytes say it is; its name says nothing.
typedef struct {
   int offset;
   const char *magic;
   size_t length;
   Decoder decode;     // NULL for what scute recognises but does not read
   const char *advice; // then how to convert it
} Kind;

#define MAGIC(text) text, sizeof text - 1

#define HEIC_ADVICE "a HEIC photo; convert it first: heif-convert photo.heic photo.jpg"
#define AVIF_ADVICE "an AVIF photo; convert it first: avifdec photo.avif photo.png"
#define TIFF_ADVICE                                                                                            \
   "a TIFF or camera raw file; convert it first: convert photo.tif photo.png (raw: dcraw -T photo.nef)"
#define JXL_ADVICE "a JPEG XL photo; convert it first: djxl photo.jxl photo.png"
#define JP2_ADVICE "a JPEG 2000 photo; convert it first: opj_decompress -i photo.jp2 -o photo.png"

static const Kind kinds[] = {
    {0, MAGIC("\xff\xd8\xff"), sc_image_decode_jpeg, NULL},
    {0, MAGIC("\x89PNG\r\n\x1a\n"), sc_image_decode_png, NULL},
    {0, MAGIC("GIF87a"), sc_image_decode_gif, NULL},
    {0, MAGIC("GIF89a"), sc_image_decode_gif, NULL},
    {0, MAGIC("BM"), sc_image_decode_bmp, NULL},
    {8, MAGIC("WEBP"), NULL, "a WebP image; convert it first: dwebp photo.webp -o photo.png"},
    {4, MAGIC("ftypavif"), NULL, AVIF_ADVICE},
    {4, MAGIC("ftypavis"), NULL, AVIF_ADVICE},
    {4, MAGIC("ftyphe"), NULL, HEIC_ADVICE},
    {4, MAGIC("ftypmif1"), NULL, HEIC_ADVICE},
    {4, MAGIC("ftypmsf1"), NULL, HEIC_ADVICE},
    {0, MAGIC("II*\0"), NULL, TIFF_ADVICE},
    {0, MAGIC("MM\0*"), NULL, TIFF_ADVICE},
    {0, MAGIC("II+\0"), NULL, TIFF_ADVICE},
    {0, MAGIC("MM\0+"), NULL, TIFF_ADVICE},
    {0, MAGIC("\xff\x0a"), NULL, JXL_ADVICE},
    {4, MAGIC("JXL \r\n\x87\n"), NULL, JXL_ADVICE},
    {4, MAGIC("jP  \r\n\x87\n"), NULL, JP2_ADVICE},
};

static const Kind *sniff(ScBytes bytes) {
   for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
      const Kind *kind = &kinds[i];
      if (bytes.size >= kind->offset + kind->length &&
          memcmp(bytes.data + kind->offset, kind->magic, kind->length) == 0)
         return kind;
   }
   return NULL;
}

// Refuses by the first bytes, so that a film in the folder is not read to its end.
static ScStatus check_kind(ScBytes head) {
   if (head.size == 0) return sc_fail(SC_EFORMAT, "the file is empty");
   const Kind *kind = sniff(head);
   if (!kind) return sc_fail(SC_EFORMAT, "not a photo: expected the content of a JPEG, PNG, BMP or GIF file");
   if (!kind->decode) return sc_fail(SC_EFORMAT, "%s", kind->advice);
   return SC_OK;
}

static ScStatus decode_bytes(const char *name, ScBytes bytes, const ScImageLimits *limits,
                             const ScPurpose *purpose, ScPhoto *out) {
   ScStatus status = check_kind(bytes);
   if (!status) status = sniff(bytes)->decode(bytes, limits, purpose, out);
   if (!status) return SC_OK;
   sc_photo_free(out);
   return sc_wrap(status, "%s: ", name);
}

// The image alone, whose memory is no longer the budget's.
static ScImage image_of(ScPhoto *photo) {
   ScImage image = photo->image;
   photo->image = (ScImage){0};
   sc_photo_free(photo);
   return image;
}

ScStatus sc_image_decode_memory(const char *name, const void *data, size_t size, const ScImageLimits *limits,
                                ScImage *out) {
   ScPhoto photo = {0};
   ScStatus status =
       decode_bytes(name, (ScBytes){data, size}, limits ? limits : &sc_image_limits, &(ScPurpose){0}, &photo);
   *out = image_of(&photo);
   return status;
}

// Up to `size` bytes; `got` is less only at the end of the file.
static ScStatus read_upto(int file, const char *path, unsigned char *to, size_t size, size_t *got) {
   *got = 0;
   while (*got < size) {
      ssize_t n = read(file, to + *got, size - *got);
      if (n == 0) break;
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return sc_fail(SC_EIO, "%s: cannot read: %s", path, strerror(errno));
      *got += (size_t)n;
   }
   return SC_OK;
}

static ScStatus check_regular(int file, const char *path, const ScImageLimits *limits, size_t *size) {
   struct stat info;
   if (fstat(file, &info) != 0) return sc_fail(SC_EIO, "%s: cannot read: %s", path, strerror(errno));
   if (S_ISDIR(info.st_mode)) return sc_fail(SC_EIO, "%s: expected a photo, found a folder", path);
   if (!S_ISREG(info.st_mode))
      return sc_fail(SC_EIO, "%s: expected a photo, found a pipe, socket or device", path);
   if (info.st_size > limits->max_bytes)
      return sc_fail(SC_EFORMAT, "%s: %lld bytes are more than the limit of %lld", path,
                     (long long)info.st_size, (long long)limits->max_bytes);
   *size = (size_t)info.st_size;
   return SC_OK;
}

// A file in memory, of which `share` bytes are taken from the budget.
typedef struct {
   unsigned char *data;
   size_t size, share;
} Content;

static void drop(Content *content) {
   free(content->data);
   if (content->share) sc_budget_give(SC_BUDGET_FILES, content->share);
}

static ScStatus read_photo(int file, const char *path, const ScImageLimits *limits, Content *out) {
   size_t size = 0, head_size = 0;
   unsigned char head[32];
   SC_TRY(check_regular(file, path, limits, &size));
   SC_TRY(read_upto(file, path, head, sizeof head, &head_size));
   ScStatus status = check_kind((ScBytes){head, head_size});
   if (status) return sc_wrap(status, "%s: ", path);
   if (size < head_size) size = head_size;
   if (!sc_budget_take(SC_BUDGET_FILES, size, limits->given_up))
      return sc_fail(SC_EINTERRUPTED, "%s: given up while it waited for memory", path);
   out->share = size;
   out->data = malloc(size);
   if (!out->data) return sc_fail(SC_EMEM, "%s: out of memory: %zu bytes", path, size);
   memcpy(out->data, head, head_size);
   SC_TRY(read_upto(file, path, out->data + head_size, size - head_size, &out->size));
   out->size += head_size;
   return SC_OK;
}

ScStatus sc_image_decode_photo(const char *path, const ScImageLimits *limits, const ScPurpose *purpose,
                               ScPhoto *out) {
   *out = (ScPhoto){0};
   if (!limits) limits = &sc_image_limits;
   int file =
       open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // non-blocking: a pipe without a writer must not hang
   if (file < 0) return sc_fail(SC_EIO, "%s: cannot open: %s", path, strerror(errno));
   Content content = {0};
   ScStatus status = read_photo(file, path, limits, &content);
   close(file);
   if (!status) status = decode_bytes(path, (ScBytes){content.data, content.size}, limits, purpose, out);
   drop(&content);
   return status;
}

ScStatus sc_image_decode(const char *path, const ScImageLimits *limits, ScImage *out) {
   ScPhoto photo;
   ScStatus status = sc_image_decode_photo(path, limits, &(ScPurpose){0}, &photo);
   *out = image_of(&photo);
   return status;
}
