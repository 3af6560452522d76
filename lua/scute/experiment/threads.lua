-- Sums are added in another order with other threads: runs that had other numbers of them differ in the last digits by that
-- alone.
local threads = {}

local function is_on_cpu(record)
   return record.threads and (record.device or "cpu") == "cpu"
end

--- The numbers of threads that records had, a sorted list. lists: of lists of records.
function threads.of(lists)
   local seen, numbers = {}, {}
   for _, list in pairs(lists) do
      for _, record in ipairs(list) do
         if is_on_cpu(record) and not seen[record.threads] then
            seen[record.threads] = true
            numbers[#numbers + 1] = record.threads
         end
      end
   end
   table.sort(numbers)
   return numbers
end

--- What is said of a trial that runs with `now` threads a run are added to; nil where all have as many.
function threads.warning(lists, now)
   for _, before in ipairs(threads.of(lists)) do
      if before ~= now then
         return ("the results there were made with --threads %d a run, those to come have %d: the last digits will differ")
            :format(before, now)
      end
   end
end

--- What is said of a trial whose runs had different numbers of threads; nil where all had as many.
function threads.note(lists)
   local numbers = threads.of(lists)
   return #numbers > 1 and ("The runs had different numbers of threads (%s), which alone makes the last digits differ."):format(
      table.concat(numbers, ", ")) or nil
end

return threads
