// JPEG through libjpeg-turbo's libjpeg interface. TurboJPEG's own keeps only the first warning of a file, and
// whether a photo is whole depends on which warnings there were.
#include <setjmp.h>
#include <stdio.h> // jpeglib.h wants FILE
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "host/photo/image_check_jpeg.h"
#include "host/photo/image_orient.h"
#include "host/photo/photo_kind.h"

// A file may repeat scans at will, and one that says nothing takes 20 bytes; decoding time is scans times
// pixels (a second for 10^9). Encoders write about ten. The largest photo may have MOST_OF_LARGEST.
enum { MOST_SCANS = 500, MOST_OF_LARGEST = 50 };

typedef struct {
   struct jpeg_error_mgr errors; // first, so that cinfo->err leads back here
   jmp_buf back;
   char text[JMSG_LENGTH_MAX];
   struct jpeg_progress_mgr progress;
   struct jpeg_decompress_struct decoder;
   ScBytes bytes;
   const ScImageLimits *limits;
   const ScPurpose *purpose;
   ScPhoto *out;
   unsigned char *row; // as long as the decoded picture's: of CMYK, and of what is not wanted
   int orientation;    // 0 as long as nothing says it
   ScRect part;        // of the stored picture, which is decoded
   bool starved;       // libjpeg had no memory
   ScStatus status;    // of what failed outside libjpeg
} Job;

static void fail(j_common_ptr decoder) {
   Job *job = (Job *)decoder->err;
   decoder->err->format_message(decoder, job->text);
   job->starved = decoder->err->msg_code == JERR_OUT_OF_MEMORY;
   longjmp(job->back, 1);
}

// These warnings mean that pixels are missing or made up. Others, such as stray bytes before a marker, which
// some cameras write, leave the picture whole.
static bool loses_pixels(int code) {
   return code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE ||
          code == JWRN_MUST_RESYNC || code == JWRN_ARITH_BAD_CODE;
}

// libjpeg looks some bytes ahead, so that it may meet the end with all pixels read. Where Huffman codes are
// missing it says so besides; where arithmetic ones are it goes on without a word.
static bool is_missing_end(const Job *job, int code) {
   return code == JWRN_JPEG_EOF && job->out->lacks_end && !job->decoder.arith_code;
}

static void on_message(j_common_ptr decoder, int level) {
   int code = decoder->err->msg_code;
   if (level < 0 && loses_pixels(code) && !is_missing_end((Job *)decoder->err, code)) fail(decoder);
}

static void on_output(j_common_ptr decoder) {
   (void)decoder;
}

static void on_progress(j_common_ptr decoder) {
   Job *job = (Job *)decoder->err;
   const struct jpeg_decompress_struct *d = &job->decoder;
   int64_t work = (int64_t)d->image_width * d->image_height * d->input_scan_number;
   if (d->input_scan_number <= MOST_SCANS && work / MOST_OF_LARGEST <= job->limits->max_pixels) return;
   sprintf(job->text, "%d scans are more than a photo has", d->input_scan_number);
   longjmp(job->back, 1);
}

// round(a * b / 255), as Pillow's MULDIV255
static unsigned scale255(unsigned a, unsigned b) {
   unsigned t = a * b + 128;
   return (t + (t >> 8)) >> 8;
}

// Pillow takes every CMYK JPEG as Adobe's, which stores the inks inverted: 255 is no ink.
static void cmyk_to_rgb(const unsigned char *cmyk, unsigned char *rgb, int width) {
   for (int x = 0; x < width; x++)
      for (int c = 0; c < 3; c++) {
         unsigned white = cmyk[4 * x + 3];
         rgb[3 * x + c] = (unsigned char)(white - scale255(255u - cmyk[4 * x + c], white));
      }
}

// Takes the first EXIF segment that says how the photo is turned; libjpeg's own way is to copy every one.
static boolean on_app1(j_decompress_ptr decoder) {
   Job *job = (Job *)decoder->err;
   ScBytes rest = {decoder->src->next_input_byte, decoder->src->bytes_in_buffer};
   size_t length = rest.size < 2 ? 2 : (size_t)(rest.data[0] << 8 | rest.data[1]); // with these two bytes
   if (length < 2) length = 2;
   if (!job->orientation && length > 8 && length <= rest.size && memcmp(rest.data + 2, "Exif\0", 6) == 0)
      job->orientation = sc_exif_orientation((ScBytes){rest.data + 2, length - 2});
   decoder->src->skip_input_data(decoder, (long)length);
   return TRUE;
}

// ---- size and part ----

// So much around a part that its pixels do not notice where decoding began and ended: whole blocks of
// transformed coefficients, one more than those that interpolated colors reach into.
static void widen(int *start, int *length, int block, int most) {
   int end = *start + *length + block;
   *start = *start / block * block - block;
   if (*start < 0) *start = 0;
   *length = (end < most ? end : most) - *start;
}

// libjpeg 7 tells both sides of a block, libjpeg 6 one; here they are the same.
#if JPEG_LIB_VERSION >= 70
#define SCALED_BLOCK(component) (component)->DCT_h_scaled_size
#define LEAST_BLOCK(decoder)    (decoder)->min_DCT_h_scaled_size
#else
#define SCALED_BLOCK(component) (component)->DCT_scaled_size
#define LEAST_BLOCK(decoder)    (decoder)->min_DCT_scaled_size
#endif

// Whether parts of rows come out right. Where libjpeg shrinks a photo it shrinks colors that were stored small
// less than the rest, and forgets that when it crops. That shows if they are still smaller than the picture, as
// of one color to 4 x 2 pixels.
static bool can_crop(const struct jpeg_decompress_struct *d) {
   int least = LEAST_BLOCK(d);
   for (int i = 0; i < d->num_components; i++) {
      const jpeg_component_info *c = &d->comp_info[i];
      int block = SCALED_BLOCK(c);
      if (block > least && (c->h_samp_factor * block != d->max_h_samp_factor * least ||
                            c->v_samp_factor * block != d->max_v_samp_factor * least))
         return false;
   }
   return true;
}

// Which part of the stored picture is decoded, and where the upright photo then begins.
static void choose_part(Job *job, const ScTurn *turn, int across, int down) {
   struct jpeg_decompress_struct *d = &job->decoder;
   const ScPurpose *purpose = job->purpose;
   job->part = (ScRect){0, 0, (int)d->output_width, (int)d->output_height};
   if (!purpose->choose_part) return;
   ScRect part = purpose->choose_part(purpose->context, job->out, across, down);
   if (!can_crop(d)) return;
   part = sc_turn_stored(turn, across, down, part);
   int block = DCTSIZE / job->out->shrink;
   widen(&part.x, &part.width, d->max_h_samp_factor * block, (int)d->output_width);
   widen(&part.y, &part.height, d->max_v_samp_factor * block, (int)d->output_height);
   job->part = part;
   part = sc_turn_upright(turn, across, down, part);
   job->out->left -= part.x;
   job->out->top -= part.y;
}

// At which part of its size, and where the whole photo then begins: a last pixel that is not complete comes
// first in a picture that is turned round.
static ScStatus choose_size(Job *job) {
   struct jpeg_decompress_struct *d = &job->decoder;
   ScPhoto *out = job->out;
   ScTurn turn = sc_turn(job->orientation);
   out->width = (int)(turn.swap ? d->image_height : d->image_width);
   out->height = (int)(turn.swap ? d->image_width : d->image_height);
   const ScPurpose *purpose = job->purpose;
   if (purpose->begin) SC_TRY(purpose->begin(purpose->context, out->width, out->height, job->orientation));
   out->shrink = purpose->choose_shrink ? purpose->choose_shrink(purpose->context, out->width, out->height) : 1;
   d->scale_num = 1;
   d->scale_denom = (unsigned)out->shrink;
   jpeg_calc_output_dimensions(d);
   unsigned across = turn.swap ? d->output_height : d->output_width,
            down = turn.swap ? d->output_width : d->output_height;
   if (turn.from_right) out->left = across - (double)out->width / out->shrink;
   if (turn.from_below) out->top = down - (double)out->height / out->shrink;
   choose_part(job, &turn, (int)across, (int)down);
   return SC_OK;
}

// ---- memory ----

static size_t rounded_up(size_t n, int multiple) {
   return (n + (size_t)multiple - 1) / (size_t)multiple * (size_t)multiple;
}

// What libjpeg takes: some rows of every component, and where they come in several scans, all coefficients.
static size_t bytes_beside(j_decompress_ptr d) {
   enum { ROWS = 48 };
   size_t bytes = (size_t)d->image_width * (size_t)d->num_components * ROWS;
   for (int i = 0; jpeg_has_multiple_scans(d) && i < d->num_components; i++) {
      const jpeg_component_info *c = &d->comp_info[i];
      bytes += rounded_up(c->width_in_blocks, c->h_samp_factor) *
               rounded_up(c->height_in_blocks, c->v_samp_factor) * sizeof(JBLOCK);
   }
   return bytes;
}

static ScStatus reserve(Job *job) {
   size_t pixels = (size_t)job->part.width * (size_t)job->part.height * 3;
   size_t beside = bytes_beside(&job->decoder), turned = job->orientation > 1 ? pixels : 0;
   return sc_photo_reserve(job->out, pixels, turned > beside ? turned : beside, job->purpose, job->limits);
}

static ScStatus prepare(Job *job) {
   struct jpeg_decompress_struct *d = &job->decoder;
   SC_TRY(sc_image_check_size(d->image_width, d->image_height, job->limits));
   SC_TRY(choose_size(job));
   SC_TRY(reserve(job));
   SC_TRY(sc_image_new(job->part.width, job->part.height, &job->out->image));
   d->out_color_space = d->num_components == 4 ? JCS_CMYK : JCS_RGB;
   size_t row = (size_t)d->output_width * 4;
   job->row = malloc(row);
   return job->row ? SC_OK : sc_fail(SC_EMEM, "out of memory: %zu bytes", row);
}

// Whether every scan came, where they are many: of each component one at least, and in a progressive photo all
// bits of all coefficients.
static bool has_all_scans(const struct jpeg_decompress_struct *d) {
   for (int i = 0; i < d->num_components; i++) {
      if (!d->comp_info[i].quant_table) return false; // noted when a component's first scan begins
      for (int k = 0; d->progressive_mode && k < DCTSIZE2; k++)
         if (d->coef_bits[i][k] != 0) return false;
   }
   return true;
}

static void check_scans(Job *job) {
   if (!job->out->lacks_end || !jpeg_has_multiple_scans(&job->decoder) || has_all_scans(&job->decoder)) return;
   strcpy(job->text, "it ends before its last scan");
   longjmp(job->back, 1);
}

// Reads rows that begin `left` pixels before the part.
static void read_part(Job *job, size_t left) {
   struct jpeg_decompress_struct *d = &job->decoder;
   size_t width = (size_t)job->part.width;
   bool is_cmyk = d->out_color_space == JCS_CMYK;
   for (int y = 0; y < job->part.height; y++) {
      unsigned char *to = job->out->image.rgb + (size_t)y * width * 3;
      JSAMPROW target = is_cmyk || width < d->output_width ? job->row : to;
      jpeg_read_scanlines(d, &target, 1);
      if (is_cmyk)
         cmyk_to_rgb(job->row + 4 * left, to, (int)width);
      else if (target == job->row)
         memcpy(to, job->row + 3 * left, 3 * width);
   }
}

// Whether all of the photo is there tells what lies below the part. libjpeg looks at that only where a row
// behind it is asked for.
static void read_rest(Job *job) {
   struct jpeg_decompress_struct *d = &job->decoder;
   unsigned rest = d->output_height - d->output_scanline;
   if (rest == 0) return;
   if (rest > 1) jpeg_skip_scanlines(d, rest - 1);
   jpeg_read_scanlines(d, &job->row, 1);
}

static void read_rows(Job *job) {
   struct jpeg_decompress_struct *d = &job->decoder;
   JDIMENSION x = (JDIMENSION)job->part.x, width = (JDIMENSION)job->part.width;
   if (width < d->output_width) jpeg_crop_scanline(d, &x, &width);
   if (job->part.y > 0) jpeg_skip_scanlines(d, (JDIMENSION)job->part.y);
   read_part(job, 0);
   read_rest(job);
}

// What a progressive photo's missing scans would tell, libjpeg makes up from blocks around: of rows that are
// whole.
static void read_whole_rows(Job *job) {
   for (int y = 0; y < job->part.y; y++) jpeg_read_scanlines(&job->decoder, &job->row, 1);
   read_part(job, (size_t)job->part.x);
   read_rest(job);
}

// Everything that libjpeg may leave by longjmp; what must be released hangs on the job.
static bool decode(Job *job) {
   struct jpeg_decompress_struct *d = &job->decoder;
   if (setjmp(job->back)) return false;
   jpeg_create_decompress(d);
   d->progress = &job->progress;
   jpeg_mem_src(d, job->bytes.data, job->bytes.size);
   jpeg_set_marker_processor(d, JPEG_APP0 + 1, on_app1);
   jpeg_read_header(d, TRUE);
   job->status = prepare(job);
   if (job->status) return true;
   jpeg_start_decompress(d);
   check_scans(job);
   if (d->progressive_mode && !has_all_scans(d))
      read_whole_rows(job);
   else
      read_rows(job);
   jpeg_finish_decompress(d);
   return true;
}

static ScStatus decode_jpeg(ScBytes bytes, const ScImageLimits *limits, const ScPurpose *purpose,
                            ScPhoto *out) {
   Job *job = calloc(1, sizeof *job);
   if (!job) return sc_fail(SC_EMEM, "out of memory: %zu bytes", sizeof *job);
   job->bytes = sc_image_trim_jpeg(bytes, &out->lacks_end);
   job->limits = limits;
   job->purpose = purpose;
   job->out = out;
   job->decoder.err = jpeg_std_error(&job->errors);
   job->errors.error_exit = fail;
   job->errors.emit_message = on_message;
   job->errors.output_message = on_output;
   job->progress.progress_monitor = on_progress;
   ScStatus status = SC_OK;
   if (!decode(job))
      status = job->starved ? sc_fail(SC_EMEM, "out of memory while decoding a JPEG (%s)", job->text)
                            : sc_fail(SC_EFORMAT, "truncated or corrupt JPEG (%s)", job->text);
   else if (job->status)
      status = job->status;
   else
      status = sc_image_orient(&out->image, job->orientation);
   jpeg_destroy_decompress(&job->decoder);
   free(job->row);
   free(job);
   return status;
}
SC_PHOTO_READER(SC_PHOTO_JPEG, decode_jpeg)
