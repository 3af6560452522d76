-- The split of a run, as its folder has it (see scute.reid.saved), in a catalogue that is read anew: whatever came into the
-- data or went from it since, no photo changes sides.
local console = require "scute.base.console"
local saved_split = require "scute.reid.saved"

-- What a photo is known by: a file may stand there with several boxes.
local function key_of(file, box)
   return box == "" and file or file .. "\n" .. box
end

-- The numbers of the rows of each key, in their order.
local function rows_by_key(rows)
   local found = {}
   for i, row in ipairs(rows) do
      local key = key_of(row.file, saved_split.box_text(row.box))
      local before = found[key]
      if not before then
         found[key] = i
      elseif type(before) == "table" then
         before[#before + 1] = i
      else
         found[key] = { before, i }
      end
   end
   return found
end

-- The number of the next row of a key, nil where there is none left.
local function next_row(found, key)
   local list = found[key]
   if type(list) == "table" then return table.remove(list, 1) end
   found[key] = nil
   return list
end

local function fail_for_missing(folder, missing)
   console.fail("data_dir: %s of the run in %s %s not in the data any more: '%s'%s; put %s back (with the same crop), or begin "
      .. "a new run without --resume", #missing == 1 and "a photo" or #missing .. " photos", folder,
      #missing == 1 and "is" or "are", missing[1], #missing > 1 and " and others" or "", #missing == 1 and "it" or "them")
end

local function check_same(folder, entry, row)
   if entry.identity == row.identity then return end
   console.fail("data_dir: '%s' shows %s now, and %s in the run in %s; put that right, or begin a new run without --resume",
      entry.file, row.identity and "'" .. row.identity .. "'" or "nobody known",
      entry.identity and "'" .. entry.identity .. "'" or "nobody known", folder)
end

-- Which photos are on which side is as it was, but what is said of that may not be true of other days.
local function warn_of_changes(folder, changed)
   if #changed == 0 then return end
   console.warn("%s another date or encounter than in the run in %s ('%s'%s): the split is that of the run, and was made by "
      .. "what was known then", #changed == 1 and "1 photo has" or #changed .. " photos have", folder, changed[1],
      #changed > 1 and " and others" or "")
end

local FIELDS = { "protocol", "text", "seed", "given", "val_fraction", "test_fraction", "val_from", "test_from" }

--- The part of each row ("train", "val", "test", false: none), and { protocol, text, seed, ..., notes } of the split.
return function(rows, folder)
   local saved, why = saved_split.parts(folder)
   if not saved then console.fail("of_run: there is no split of a run in '%s': %s", folder, why) end
   local found, parts, missing, changed, n = rows_by_key(rows), {}, {}, {}, 0
   for i = 1, #rows do parts[i] = false end
   for _, entry in ipairs(saved.rows) do
      local i = next_row(found, key_of(entry.file, entry.box))
      if i then
         check_same(folder, entry, rows[i])
         parts[i], n = entry.split or false, n + 1
         local is_same = entry.date == rows[i].date and entry.encounter == rows[i].encounter
         if entry.split and not is_same then changed[#changed + 1] = entry.file end
      elseif entry.split then
         missing[#missing + 1] = entry.file
      end
   end
   if #missing > 0 then fail_for_missing(folder, missing) end
   warn_of_changes(folder, changed)
   local made = { notes = {} }
   for _, name in ipairs(FIELDS) do made[name] = saved[name] end
   if n < #rows then
      made.notes[1] = ("%s new since the run in %s began and in no part"):format(#rows - n == 1 and "1 photo is"
         or #rows - n .. " photos are", folder)
   end
   return parts, made
end
