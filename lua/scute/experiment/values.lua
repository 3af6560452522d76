-- What runs found of each photo, as the paired test takes it: a table from the number of a photo to a value, for each run.
local sample = require "scute.experiment.sample"

local values = {}

-- Inner folds of one outer fold are one run: together they validated every photo but the outer fold's.
local function key_of(record)
   return record.inner and record.fold or record.run
end

local EXACT = 1e-9 -- what the order of a sum makes of it

-- Pseudo-values of the jackknife spread about an estimate of its own, a little off; here they do about what the run says.
local function shift_of(list, figure)
   local shift = #list > 0 and figure - sample.mean(list) or 0
   return math.abs(shift) > EXACT and shift or 0
end

--- Numbers of photos, none so far: photo -> its number, and how many there are as field 1.
function values.numbers()
   return { 0 }
end

--- Whether numbers are those of the same photos.
function values.are_same(numbers, others)
   if numbers[1] ~= others[1] then return false end
   for photo in pairs(numbers) do
      if not others[photo] then return false end
   end
   return true
end

local function number_of(numbers, photo)
   if not numbers[photo] then
      numbers[1] = numbers[1] + 1
      numbers[photo] = numbers[1]
   end
   return numbers[photo]
end

--- Whether each of the records (or their answers for test photos) says what each photo's part of the metric is.
function values.are_known(records, name)
   for _, record in ipairs(records) do
      if not record.values or not record.values[name] then return false end
   end
   return #records > 0
end

--- The runs of one variant. records: in the order of the runs; name: of the metric; numbers: of photos, which get those
-- that are new. answers(record): what is taken of a record (default: itself); key(record): which run it is a part of.
function values.of(records, name, numbers, answers, key)
   local runs, by_key = {}, {}
   for _, record in ipairs(records) do
      local said, run = answers and answers(record) or record, (key or key_of)(record)
      if not by_key[run] then
         by_key[run] = {}
         runs[#runs + 1] = by_key[run]
      end
      local list = said.values[name]
      local shift = shift_of(list, said.figures[name])
      for i, photo in ipairs(said.photos) do by_key[run][number_of(numbers, photo)] = list[i] + shift end
   end
   return runs
end

--- The mean over all photos that were answered, each averaged over its runs.
function values.mean(runs)
   local sums, times, sum, photos = {}, {}, 0, 0
   for _, run in ipairs(runs) do
      for photo, value in pairs(run) do
         sums[photo], times[photo] = (sums[photo] or 0) + value, (times[photo] or 0) + 1
      end
   end
   for photo, total in pairs(sums) do sum, photos = sum + total / times[photo], photos + 1 end
   return sum / photos
end

--- The least value of any photo.
function values.least(runs)
   local least = math.huge
   for _, run in ipairs(runs) do
      for _, value in pairs(run) do least = math.min(least, value) end
   end
   return least
end

return values
