// What lies in a folder.
#ifndef SCUTE_FOLDER_H
#define SCUTE_FOLDER_H

#include <stdbool.h>

#include "host/core/status.h"

typedef struct ScFolder ScFolder;

// SC_EIO, with the path, where it cannot be read.
ScStatus sc_folder_open(ScFolder **out, const char *path);
// The next entry but "." and "..", in the system's order; NULL at the end. The name is good until the next
// call. Links are followed: one that leads nowhere is no folder. SC_EIO, with the path: the rest cannot be
// read.
ScStatus sc_folder_next(ScFolder *, const char **name, bool *is_folder);
void sc_folder_close(ScFolder *); // NULL is fine

#endif
