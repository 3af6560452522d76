// The ranks of a communicator, which are processes: what each has called, with the data it gave, in memory that
// they share. A rank that dies is noticed by a lock that the system takes from it.
#ifndef SOFTGPU_RANKS_H
#define SOFTGPU_RANKS_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sg {

// A call of a communicator, alike in all ranks.
struct Order {
   int32_t broadcast, type, op, root; // broadcast: or a sum
   uint64_t count;
   bool operator==(const Order &) const = default;
   std::string text() const;
};

struct Shared;

class Ranks {
 public:
   static std::string found();                                // a new folder in which ranks meet
   Ranks(std::string folder, int rank, int size, int device); // comes
   ~Ranks();
   Ranks(const Ranks &) = delete;
   std::string fault() const { return fault_; } // why it could not come; empty: it could
   bool all_here();                             // once that is true it stays
   int device(int rank) const;

   void post(uint64_t number, const Order &, const void *data, size_t bytes);
   bool posted(int rank, uint64_t number) const;
   Order order(int rank, uint64_t number) const;
   void read(int rank, uint64_t number, void *into, size_t bytes) const;
   void done(uint64_t number); // this rank has read what it needs of that call, and of those before
   bool has_room(uint64_t number) const;

   bool is_dead(int rank) const; // or it has aborted the communicator
   bool has_left(int rank) const;
   void ask_to_leave();
   bool all_ask_to_leave() const;
   void leave(bool aborts);

 private:
   std::string folder_, fault_;
   int rank_, size_;
   Shared *shared_ = nullptr;
   int own_ = -1;           // file of this rank's data
   std::vector<int> files_; // of all; locks are tried on them
   uint64_t end_ = 0;       // of the data in `own_`
   std::string path(int rank) const;
   bool open_all();
};

} // namespace sg

#endif
