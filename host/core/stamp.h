// Which file, as it was last written: another stamp is another content.
#ifndef SCUTE_STAMP_H
#define SCUTE_STAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

// Whole, so that its bytes can be compared and hashed.
typedef struct {
   int64_t device, inode, size, written, written_ns, changed, changed_ns;
} ScStamp;

ScStamp sc_stamp(const struct stat *);
bool sc_stamp_same(const ScStamp *, const ScStamp *);

// Whether a content that is read now belongs to the stamp for good. One that was written within the last tick
// of the file system's clock may be written again and keep it.
bool sc_stamp_settled(const ScStamp *);

#endif
