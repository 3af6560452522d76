-- What is told of a catalogue: what is in it, and what may be amiss, a line for each.
local class_list = require "scute.base.class_list"
local folder = require "scute.data.folder"
local sorted_keys = require "scute.base.sorted_keys"
local thousands = require("scute.base.columns").thousands

-- Counts of what rows say.
local function count(rows, has_repeats)
   local of = { photos = {}, files = 0, names = {}, encounters = 0, dated = 0, sided = 0, nobody = 0, shared = {} }
   local first_of, seen = {}, {} -- who an encounter is of
   for _, row in ipairs(rows) do
      local name, encounter, date = row.identity, row.encounter, row.date
      if has_repeats and not seen[row.path] then seen[row.path], of.files = true, of.files + 1 end
      if not name then
         of.nobody = of.nobody + 1
      else
         if not of.photos[name] then of.names[#of.names + 1] = name end
         of.photos[name] = (of.photos[name] or 0) + 1
      end
      if encounter and first_of[encounter] == nil then
         first_of[encounter], of.encounters = name or false, of.encounters + 1
      elseif encounter and name and first_of[encounter] and first_of[encounter] ~= name then
         of.shared[encounter] = true
      end
      if date then
         of.dated = of.dated + 1
         if not of.first or date < of.first then of.first = date end
         if not of.last or date > of.last then of.last = date end
      end
      of.sided = of.sided + (row.side and 1 or 0)
   end
   if not has_repeats then of.files = #rows end
   return of
end

local function number(n, one, many)
   return ("%s %s"):format(thousands(n), n == 1 and one or many)
end

local function in_short(of, rows, reading, kind)
   return ("%s of %s%s%s; read as %s, %s"):format(number(of.files, "photo", "photos")
      .. (of.files < #rows and (" (%s)"):format(number(#rows, "row", "rows")) or ""),
      number(#of.names, "individual", "individuals"),
      of.encounters > 0 and " in " .. number(of.encounters, "encounter", "encounters") or "",
      of.first and (", %s to %s"):format(of.first, of.last) or "", kind,
      reading.crop == "none" and "whole photos" or ("cropped to '%s'"):format(reading.crop))
end

-- The texts that stand for nobody, the most frequent first.
local function nobody_text(unknown)
   local texts = {}
   for text in pairs(unknown) do texts[#texts + 1] = text end
   table.sort(texts, function(a, b)
      if unknown[a] ~= unknown[b] then return unknown[a] > unknown[b] end
      return a < b
   end)
   for i, text in ipairs(texts) do texts[i] = ("'%s'"):format(text) end
   return class_list.text(texts)
end

local function singles_note(of)
   local singles = {}
   for _, name in ipairs(of.names) do
      if of.photos[name] == 1 then singles[#singles + 1] = name end
   end
   if #singles == 0 then return nil end
   folder.sort_bytes(singles)
   return ("%s a single photo, with which there is nothing to compare: %s"):format(
      number(#singles, "individual has", "individuals have"), class_list.text(singles))
end

local function lacks_note(had, rows, rows_are, what)
   if had == 0 or had == #rows then return nil end
   return ("%s of %s do not say the %s"):format(thousands(#rows - had), number(#rows, rows_are, rows_are .. "s"), what)
end

-- Encounters that are numbered anew for each individual would make a leak of every split.
local function shared_note(of)
   local names = sorted_keys(of.shared)
   if #names == 0 then return nil end
   return ("%s of several individuals (%s): where each individual's are counted from 1, name them apart"):format(
      number(#names, "encounter is", "encounters are"), class_list.text(names))
end

--- The lines. reading: what was read (see sheet.read); kind: as what; found: its trouble.
return function(reading, kind, found)
   local rows, notes = reading.rows, {}
   local of = count(rows, reading.has_repeats)
   local rows_are = of.files < #rows and "row" or "photo"
   local function add(line) notes[#notes + 1] = line end
   add(in_short(of, rows, reading, kind))
   for _, line in ipairs(reading.notes) do add(line) end
   if of.nobody > 0 then
      add(("%s of nobody known (%s)"):format(
         number(of.nobody, rows_are .. " is", rows_are .. "s are"),
         nobody_text(reading.unknown)))
   end
   add(singles_note(of))
   add(shared_note(of))
   add(lacks_note(of.dated, rows, rows_are, "day"))
   add(lacks_note(of.sided, rows, rows_are, "side"))
   for _, line in ipairs(found:notes()) do add(line) end
   return notes
end
