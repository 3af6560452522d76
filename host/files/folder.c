#define _GNU_SOURCE // DT_DIR
#include "host/files/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct ScFolder {
   DIR *entries;
   char path[]; // for messages
};

static ScStatus unreadable(const char *path, int error) {
   return sc_fail(error == ENOMEM ? SC_EMEM : SC_EIO, "%s: %s", path, strerror(error));
}

ScStatus sc_folder_open(ScFolder **out, const char *path) {
   ScFolder *folder = malloc(sizeof *folder + strlen(path) + 1);
   if (!folder) return sc_fail(SC_EMEM, "out of memory");
   folder->entries = opendir(path);
   if (!folder->entries) {
      int error = errno;
      free(folder);
      return unreadable(path, error);
   }
   strcpy(folder->path, path);
   *out = folder;
   return SC_OK;
}

// Most file systems tell the type with the name, which is a call to the system less for each.
static bool is_folder(DIR *entries, const struct dirent *entry) {
   struct stat info;
   if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK) return entry->d_type == DT_DIR;
   return fstatat(dirfd(entries), entry->d_name, &info, 0) == 0 && S_ISDIR(info.st_mode);
}

ScStatus sc_folder_next(ScFolder *folder, const char **name, bool *is_a_folder) {
   struct dirent *entry;
   do {
      errno = 0; // which alone tells an error from the end
      entry = readdir(folder->entries);
      if (!entry && errno) return unreadable(folder->path, errno);
   } while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
   *name = entry ? entry->d_name : NULL;
   *is_a_folder = entry && is_folder(folder->entries, entry);
   return SC_OK;
}

void sc_folder_close(ScFolder *folder) {
   if (!folder) return;
   closedir(folder->entries);
   free(folder);
}
