// Batches of photos, decoded ahead by worker threads.
//
// What comes out depends on the configuration alone, never on the number of workers or on their timing: batches
// and the samples in them follow the order that was asked for, and a sample is augmented by (seed, epoch,
// index).
#ifndef SCUTE_LOADER_H
#define SCUTE_LOADER_H

#include "host/photo/augment.h"
#include "host/core/tensor.h"

typedef struct {
   int64_t count;            // samples in the data set
   const char *const *paths; // [count]
   const int64_t *labels;    // [count] class numbers, from 1; NULL where there are none
   const ScCrop *crops;      // [count] what there is of each photo; NULL: all of it
   int64_t order_count;      // samples to deliver
   const int64_t *order;     // [order_count] indices into paths, from 0
   int64_t batch_size;       // of every batch but the last, which holds the rest
   bool merge_last_single; // a last batch of one joins the one before it: batch norm cannot train on one sample
   ScPreprocess preprocess; // crop must be set: all photos of a batch have one size
   ScAugment augment;       // all zero: none
   bool late_normalize;     // deliver bytes that are yet to be normalised, unless the augmentation adds noise
   uint64_t seed, epoch;    // of the augmentation
   ScImageLimits limits;    // all zero: the default
   int workers;             // threads; 0 decodes in the caller
   int depth;               // batches that may be under way at a time; 0: 4
   bool digests;            // tell what files and photos are known again by
   bool skip_bad;           // leave an unreadable photo out and report it; otherwise it fails the batch
} ScLoaderConfig;

typedef struct {
   int64_t index; // into paths
   char *message; // names the file
} ScBadSample;

// What is to be said of a good photo.
typedef enum {
   SC_NOTE_ENDLESS, // its file ends early, behind the last pixel
   SC_NOTE_CUT,     // its box reaches beyond it
} ScNoteKind;

typedef struct {
   int64_t index; // into paths
   ScNoteKind kind;
} ScNote;

// `asked` is the number of samples that the order has for this batch, 0 behind the last one. `n` of them are
// good; the rest are in `bad`. With n = 0 there are no pixels.
typedef struct {
   int64_t asked, n, bad_count, note_count;
   ScTensor *pixels;  // on the cpu, (n, 3, crop, crop): f32; u8 if they are yet to be normalised
   int64_t *labels;   // [n]; NULL where the loader has none
   int64_t *indices;  // [n] into paths
   ScBadSample *bad;  // [bad_count]
   ScNote *notes;     // [note_count]
   ScDigest *digests; // [n] of the files; NULL unless they are wanted
   ScLook *looks;     // [n] of the photos as they are, before they are augmented; NULL unless they are wanted
   ScRect *holes;     // [n] what is yet to be erased once they are normalised; NULL where nothing is
} ScBatch;

typedef struct ScLoader ScLoader;

// Copies the configuration and starts the workers. SC_EARG names what is wrong in the configuration.
ScStatus sc_loader_open(ScLoader **out, const ScLoaderConfig *);
// The next batch; the caller releases it. Without skip_bad a bad photo is an error that names it; the call
// after that goes on with the following batch. After SC_EMEM the same batch can be asked for again.
ScStatus sc_loader_next(ScLoader *, ScBatch *out);
void sc_batch_release(ScBatch *); // and empties it
int64_t sc_loader_batches(const ScLoader *);
const char *sc_loader_path(const ScLoader *, int64_t index);
// Stops in the middle if need be: waits for the photos that are being decoded, not for the queue. NULL is fine.
void sc_loader_close(ScLoader *);

#endif
