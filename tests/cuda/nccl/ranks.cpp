#include "ranks.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <nccl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

namespace sg {

namespace {

const int most = 64;         // ranks
const uint64_t slots = 1024; // calls that a rank may be ahead of the others

enum State { absent, coming, here, left, aborted };

struct Slot {
   Order order;
   uint64_t at, bytes; // of the data in the rank's file
};

struct Member {
   std::atomic<int> state, leaves;
   std::atomic<uint64_t> posted, done; // calls
   int device;
   Slot slot[slots];
};

const char *type_name(int type) {
   switch (type) {
   case ncclUint8: return "ncclUint8";
   case ncclInt64: return "ncclInt64";
   case ncclFloat32: return "ncclFloat32";
   case ncclFloat64: return "ncclFloat64";
   default: return "another type";
   }
}

} // namespace

struct Shared {
   std::atomic<int> size;
   Member member[most];
};

std::string Order::text() const {
   char text[160];
   if (broadcast)
      snprintf(text, sizeof text, "ncclBroadcast of %llu %s from rank %d", (unsigned long long)count,
               type_name(type), root);
   else
      snprintf(text, sizeof text, "ncclAllReduce of %llu %s (%s)", (unsigned long long)count, type_name(type),
               op == ncclSum ? "ncclSum" : "another operation");
   return text;
}

std::string Ranks::found() {
   const char *where = getenv("SOFTGPU_FOLDER");
   std::string name = std::string(where && *where ? where : "/dev/shm") + "/softnccl-XXXXXX";
   return mkdtemp(name.data()) ? name : "";
}

std::string Ranks::path(int rank) const {
   return folder_ + "/" + (rank < 0 ? "members" : std::to_string(rank));
}

// The number that a device has among all, of which this process may see some (CUDA_VISIBLE_DEVICES).
static int number_of(int device) {
   const char *visible = getenv("CUDA_VISIBLE_DEVICES");
   for (int i = 0; visible && i < device; i++)
      visible = strchr(visible, ',') ? strchr(visible, ',') + 1 : nullptr;
   return visible && *visible ? atoi(visible) : device;
}

Ranks::Ranks(std::string folder, int rank, int size, int device)
    : folder_(std::move(folder)), rank_(rank), size_(size), files_(size, -1) {
   if (size < 1 || size > most || rank < 0 || rank >= size) {
      fault_ = "rank " + std::to_string(rank) + " of " + std::to_string(size);
      return;
   }
   int file = open(path(-1).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
   void *memory = MAP_FAILED;
   if (file >= 0 && ftruncate(file, sizeof(Shared)) == 0)
      memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
   if (file >= 0) close(file);
   own_ = open(path(rank).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
   if (memory == MAP_FAILED || own_ < 0 || flock(own_, LOCK_EX | LOCK_NB) != 0) {
      fault_ = "nobody has made such an id, or rank " + std::to_string(rank) + " is there already";
      return;
   }
   shared_ = static_cast<Shared *>(memory);
   int none = 0, expected = 0;
   if (!shared_->size.compare_exchange_strong(none, size) && none != size)
      fault_ = "rank " + std::to_string(rank) + " says that there are " + std::to_string(size) +
               " ranks, another one that there are " + std::to_string(none);
   shared_->member[rank].device = number_of(device);
   if (!shared_->member[rank].state.compare_exchange_strong(expected, coming))
      fault_ = "rank " + std::to_string(rank) + " was there already";
}

Ranks::~Ranks() {
   for (int file : files_)
      if (file >= 0) close(file);
   if (own_ >= 0) close(own_);
   if (shared_) munmap(shared_, sizeof(Shared));
}

bool Ranks::open_all() {
   for (int rank = 0; rank < size_; rank++) {
      if (shared_->member[rank].state == absent) return false;
      if (files_[rank] < 0) files_[rank] = open(path(rank).c_str(), O_RDONLY | O_CLOEXEC);
      if (files_[rank] < 0) return false;
   }
   return true;
}

// Once all have all files open their names are of no use any more, and nothing is left behind by whoever is
// killed.
bool Ranks::all_here() {
   Member &own = shared_->member[rank_];
   if (own.state == coming && open_all()) own.state = here;
   for (int rank = 0; rank < size_; rank++)
      if (shared_->member[rank].state < here) return false;
   for (int rank = -1; rank < size_; rank++) unlink(path(rank).c_str());
   rmdir(folder_.c_str());
   return true;
}

int Ranks::device(int rank) const {
   return shared_->member[rank].device;
}

bool Ranks::has_room(uint64_t number) const {
   for (int rank = 0; rank < size_; rank++)
      if (number - shared_->member[rank].done >= slots) return false;
   return true;
}

// Behind what others may still have to read.
void Ranks::post(uint64_t number, const Order &order, const void *data, size_t bytes) {
   Member &own = shared_->member[rank_];
   bool all_read = true;
   for (int rank = 0; rank < size_; rank++) all_read = all_read && shared_->member[rank].done >= number;
   if (all_read) end_ = 0;
   own.slot[number % slots] = {order, end_, bytes};
   for (size_t at = 0; at < bytes;) {
      ssize_t n = pwrite(own_, static_cast<const char *>(data) + at, bytes - at, off_t(end_ + at));
      if (n <= 0) abort(); // a test tool without memory has nothing to say
      at += size_t(n);
   }
   end_ += bytes;
   own.posted = number + 1;
}

bool Ranks::posted(int rank, uint64_t number) const {
   return shared_->member[rank].posted > number;
}

Order Ranks::order(int rank, uint64_t number) const {
   return shared_->member[rank].slot[number % slots].order;
}

void Ranks::read(int rank, uint64_t number, void *into, size_t bytes) const {
   const Slot &slot = shared_->member[rank].slot[number % slots];
   for (size_t at = 0; at < bytes;) {
      ssize_t n = pread(files_[rank], static_cast<char *>(into) + at, bytes - at, off_t(slot.at + at));
      if (n <= 0) abort();
      at += size_t(n);
   }
}

void Ranks::done(uint64_t number) {
   shared_->member[rank_].done = number + 1;
}

bool Ranks::is_dead(int rank) const {
   const Member &member = shared_->member[rank];
   if (rank == rank_ || member.state == left || files_[rank] < 0) return false;
   if (member.state == aborted) return true;
   if (flock(files_[rank], LOCK_SH | LOCK_NB) != 0) return false;
   flock(files_[rank], LOCK_UN);
   return member.state != left; // it may have left a moment ago
}

bool Ranks::has_left(int rank) const {
   return shared_->member[rank].state == left;
}

void Ranks::ask_to_leave() {
   shared_->member[rank_].leaves = 1;
}

bool Ranks::all_ask_to_leave() const {
   for (int rank = 0; rank < size_; rank++)
      if (!shared_->member[rank].leaves) return false;
   return true;
}

void Ranks::leave(bool aborts) {
   if (shared_) shared_->member[rank_].state = aborts ? aborted : left;
}

} // namespace sg
