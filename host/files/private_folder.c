#include "host/files/private_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/files/file.h"

static ScStatus make_parents(const char *path) {
   const char *slash = strrchr(path, '/');
   if (!slash || slash == path) return SC_OK;
   char *parent = strndup(path, (size_t)(slash - path));
   if (!parent) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = sc_file_mkdirs(parent);
   free(parent);
   return status;
}

ScStatus sc_private_folder(const char *path) {
   struct stat info;
   SC_TRY(make_parents(path));
   if (mkdir(path, 0700) != 0 && errno != EEXIST)
      return sc_fail(SC_EIO, "cannot create the folder '%s': %s", path, strerror(errno));
   if (lstat(path, &info) != 0) return sc_fail(SC_EIO, "cannot look at '%s': %s", path, strerror(errno));
   if (!S_ISDIR(info.st_mode)) return sc_fail(SC_EIO, "'%s' is no folder", path);
   if (info.st_uid != geteuid()) return sc_fail(SC_EIO, "the folder '%s' belongs to somebody else", path);
   if (info.st_mode & (S_IWGRP | S_IWOTH))
      return sc_fail(SC_EIO, "others may write into the folder '%s' (chmod 700 keeps them out)", path);
   return SC_OK;
}

ScStatus sc_temporary_folder(char **path) {
   const char *where = getenv("TMPDIR");
   if (!where || where[0] != '/') where = "/tmp";
   size_t size = strlen(where) + sizeof "/scute-XXXXXX";
   char *name = malloc(size);
   if (!name) return sc_fail(SC_EMEM, "out of memory");
   snprintf(name, size, "%s/scute-XXXXXX", where);
   if (!mkdtemp(name)) {
      ScStatus status = sc_fail(SC_EIO, "cannot create a folder in '%s': %s", where, strerror(errno));
      free(name);
      return status;
   }
   *path = name;
   return SC_OK;
}
