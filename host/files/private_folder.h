// Folders that nobody else may write into: what lies in them is run.
#ifndef SCUTE_PRIVATE_FOLDER_H
#define SCUTE_PRIVATE_FOLDER_H

#include "host/core/status.h"

// Creates the folder (mode 0700) and its parents where they are not there. SC_EIO, with the path and why: it
// cannot be created, is a link, belongs to somebody else, or others may write into it.
ScStatus sc_private_folder(const char *path);

// Creates an empty one in $TMPDIR, or /tmp; its path is to be freed.
ScStatus sc_temporary_folder(char **path);

#endif
