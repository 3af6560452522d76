// Handles: numbers of a range that is mapped nowhere, given out once each.
#include <cstring>
#include <map>
#include <memory>
#include "../core.h"

namespace sg {

namespace {

struct Object {
   const char *kind;
   std::shared_ptr<void> body;
   bool live;
};

const uintptr_t first_handle = 0x5afe000000000000; // no address of a program, so using it as a pointer faults

struct Registry {
   std::map<uintptr_t, Object> all;
   uintptr_t next = first_handle;
};

Registry &registry() {
   static auto *one = new Registry;
   return *one;
}

Object *lookup(const void *handle) {
   auto at = registry().all.find(uintptr_t(handle));
   return at == registry().all.end() ? nullptr : &at->second;
}

} // namespace

void *object_add(const char *kind, std::shared_ptr<void> body) {
   uintptr_t handle = registry().next += 16;
   registry().all[handle] = {kind, std::move(body), true};
   return reinterpret_cast<void *>(handle);
}

std::shared_ptr<void> object_find(const char *kind, const void *handle) {
   Object *object = lookup(handle);
   if (!object || !object->live || strcmp(object->kind, kind) != 0) return nullptr;
   return object->body;
}

bool object_remove(const char *kind, const void *handle) {
   Object *object = lookup(handle);
   if (!object || !object->live || strcmp(object->kind, kind) != 0) return false;
   object->live = false;
   object->body = nullptr;
   return true;
}

size_t object_count(const char *kind) {
   size_t n = 0;
   for (auto &[handle, object] : registry().all) n += object.live && (!kind || strcmp(object.kind, kind) == 0);
   return n;
}

bool object_known(const void *handle) {
   return lookup(handle) != nullptr;
}

const char *object_state(const void *handle) {
   static thread_local char text[80];
   Object *object = lookup(handle);
   if (!object) return "no handle";
   snprintf(text, sizeof text, "%s %s", object->live ? "live" : "destroyed", object->kind);
   return text;
}

} // namespace sg
