#include "host/photo/photo_kind.h"

#include <string.h>

#include "host/photo/tiff_directory.h"

// ---- what a few bytes at the beginning do not tell ----

static uint32_t big32(const unsigned char *p) {
   return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

// "BM" begins texts too. A header's length follows at 14, which is small.
static bool is_bmp(ScBytes head) {
   return head.size >= 2 && memcmp(head.data, "BM", 2) == 0 &&
          (head.size < 18 || memcmp(head.data + 15, "\0\0", 3) == 0);
}

// ISO base media begins with a box "ftyp": its length, a brand, a version, and the brands it is compatible
// with, four letters each. `brands` are such fours in a row.
static bool has_brand(ScBytes head, const char *brands) {
   if (head.size < 12 || memcmp(head.data + 4, "ftyp", 4) != 0) return false;
   size_t end = big32(head.data);
   if (end > head.size) end = head.size;
   for (size_t at = 8; at + 4 <= (end < 12 ? 12 : end); at += at == 8 ? 8 : 4)
      for (const char *brand = brands; *brand; brand += 4)
         if (memcmp(head.data + at, brand, 4) == 0) return true;
   return false;
}

static bool is_avif(ScBytes head) {
   return has_brand(head, "avifavis");
}

static bool is_heic(ScBytes head) {
   return has_brand(head, "heicheixheimheishevchevxhevmhevsmif1msf1");
}

static bool is_tiff(ScBytes head) {
   static const char marks[][5] = {"II*\0", "MM\0*", "II+\0", "MM\0+"}; // + where offsets have 64 bits
   for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
      if (head.size >= 4 && memcmp(head.data, marks[i], 4) == 0) return true;
   return false;
}

static bool is_dng(ScBytes head) {
   enum { DNG_VERSION = 50706 };
   ScTiffValue value;
   return is_tiff(head) && sc_tiff_find(head, DNG_VERSION, &value);
}

// A camera's own TIFF begins with the picture, its raw file with a small copy, and what the sensor saw further
// down.
static bool is_raw_of(ScBytes head, const char *maker) {
   enum { NEW_SUBFILE_TYPE = 254, MAKE = 271, SUB_IFDS = 330 };
   ScTiffValue kind, make, parts;
   return is_tiff(head) && sc_tiff_find(head, NEW_SUBFILE_TYPE, &kind) && sc_tiff_number(&kind) == 1 &&
          sc_tiff_find(head, SUB_IFDS, &parts) && sc_tiff_find(head, MAKE, &make) &&
          make.bytes.size >= strlen(maker) && memcmp(make.bytes.data, maker, strlen(maker)) == 0;
}

static bool is_nef(ScBytes head) {
   return is_raw_of(head, "NIKON");
}

static bool is_arw(ScBytes head) {
   return is_raw_of(head, "SONY");
}

// ---- the kinds ----

typedef struct {
   int offset;
   const char *bytes;
   size_t length;
} Mark;

typedef struct {
   const char *name, *description;
   const char *advice;       // how to convert it
   Mark marks[3];            // any of them tells,
   bool (*is_kind)(ScBytes); // or else this, which may be NULL
   const char *library;      // that its decoder is made with, where that is optional
   ScPhotoDecoder decode;    // NULL where there is none
} Kind;

#define AT(offset, text)                                                                                       \
   { offset, text, sizeof text - 1 }
#define BEGINS(text) AT(0, text)
#define RAW(kind, name, extension)                                                                             \
   .description = "a " name " raw file (" kind ")", .advice = "darktable-cli photo." extension " photo.jpg"

static Kind kinds[SC_PHOTO_KINDS] = {
    [SC_PHOTO_JPEG] = {"JPEG", .marks = {BEGINS("\xff\xd8\xff")}},
    [SC_PHOTO_PNG] = {"PNG", .marks = {BEGINS("\x89PNG\r\n\x1a\n")}},
    [SC_PHOTO_GIF] = {"GIF", .marks = {BEGINS("GIF87a"), BEGINS("GIF89a")}},
    [SC_PHOTO_BMP] = {"BMP", .is_kind = is_bmp},
    [SC_PHOTO_WEBP] =
        {"WebP", "a WebP image", "dwebp photo.webp -o photo.png", {AT(8, "WEBP")}, .library = "libwebp"},
    [SC_PHOTO_AVIF] = {"AVIF", "an AVIF photo", "avifdec photo.avif photo.png", .is_kind = is_avif,
                       .library = "libheif"},
    [SC_PHOTO_HEIC] = {"HEIC", "a HEIC photo", "heif-convert photo.heic photo.jpg", .is_kind = is_heic,
                       .library = "libheif"},
    [SC_PHOTO_JXL] = {"JPEG XL",
                      "a JPEG XL photo",
                      "djxl photo.jxl photo.png",
                      {BEGINS("\xff\x0a"), AT(4, "JXL \r\n\x87\n")}},
    [SC_PHOTO_JP2] = {"JPEG 2000",
                      "a JPEG 2000 photo",
                      "opj_decompress -i photo.jp2 -o photo.png",
                      {AT(4, "jP  \r\n\x87\n"), BEGINS("\xff\x4f\xff\x51")}},
    [SC_PHOTO_PSD] = {"PSD", "a Photoshop document", "convert 'photo.psd[0]' photo.png", {BEGINS("8BPS")}},
    [SC_PHOTO_CR2] = {"CR2", RAW("CR2", "Canon", "cr2"), {AT(8, "CR\2\0")}},
    [SC_PHOTO_CR3] = {"CR3", RAW("CR3", "Canon", "cr3"), {AT(4, "ftypcrx ")}},
    [SC_PHOTO_NEF] = {"NEF", RAW("NEF", "Nikon", "nef"), .is_kind = is_nef},
    [SC_PHOTO_ARW] = {"ARW", RAW("ARW", "Sony", "arw"), .is_kind = is_arw},
    [SC_PHOTO_DNG] = {"DNG", RAW("DNG", "camera's", "dng"), .is_kind = is_dng},
    [SC_PHOTO_ORF] = {"ORF", RAW("ORF", "Olympus", "orf"), {BEGINS("IIRO"), BEGINS("IIRS"), BEGINS("MMOR")}},
    [SC_PHOTO_RW2] = {"RW2", RAW("RW2", "Panasonic", "rw2"), {BEGINS("IIU\0")}},
    [SC_PHOTO_RAF] = {"RAF", RAW("RAF", "Fujifilm", "raf"), {BEGINS("FUJIFILMCCD-RAW")}},
    [SC_PHOTO_TIFF] = {"TIFF", "a TIFF photo", "convert photo.tif photo.png", .is_kind = is_tiff,
                       .library = "libtiff"},
};

static bool has_mark(ScBytes head, const Mark *mark) {
   return mark->bytes && head.size >= (size_t)mark->offset + mark->length &&
          memcmp(head.data + mark->offset, mark->bytes, mark->length) == 0;
}

static bool is_of(ScBytes head, const Kind *kind) {
   for (size_t i = 0; i < sizeof kind->marks / sizeof *kind->marks; i++)
      if (has_mark(head, &kind->marks[i])) return true;
   return kind->is_kind && kind->is_kind(head);
}

ScPhotoKind sc_photo_kind(ScBytes head) {
   if (head.size > SC_PHOTO_HEAD) head.size = SC_PHOTO_HEAD; // whoever asks, of however much, is told the same
   for (ScPhotoKind kind = SC_PHOTO_NONE + 1; kind < SC_PHOTO_KINDS; kind++)
      if (is_of(head, &kinds[kind])) return kind;
   return SC_PHOTO_NONE;
}

const char *sc_photo_kind_name(ScPhotoKind kind) {
   return kinds[kind].name;
}

ScStatus sc_photo_kind_check(ScPhotoKind kind) {
   const Kind *k = &kinds[kind];
   if (kind == SC_PHOTO_NONE)
      return sc_fail(
          SC_EFORMAT,
          "not a photo: expected the content of a JPEG, PNG, BMP, GIF, WebP, TIFF, HEIC or AVIF file");
   if (k->decode) return SC_OK;
   if (!k->library) return sc_fail(SC_EFORMAT, "%s; convert it first: %s", k->description, k->advice);
   return sc_fail(SC_EFORMAT,
                  "%s needs %s, which this scute was built without: install %s-dev and build again, or convert "
                  "it first: %s",
                  k->description, k->library, k->library, k->advice);
}

void sc_photo_register(ScPhotoKind kind, ScPhotoDecoder decode) {
   kinds[kind].decode = decode;
}

ScPhotoDecoder sc_photo_decoder(ScPhotoKind kind) {
   return kinds[kind].decode;
}
