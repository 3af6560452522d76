-- Which column of a table says what: as the user names them, or by their usual names.
local console = require "scute.base.console"
local options = require "scute.base.options"
local sorted_keys = require "scute.base.sorted_keys"

local columns = {}

-- The usual names, the likeliest first, in small letters.
local USUAL = {
   file = { "path", "file", "file_name", "filename", "image", "image_path", "img_path", "photo", "image_name" },
   identity = { "identity", "individual", "individual_id", "individual_name", "animal", "animal_id", "turtle_id", "name",
      "label" },
   date = { "date", "day", "date_captured", "capture_date", "captured", "datetime", "date_time", "timestamp" },
   time = { "time", "time_of_day", "timestamp" },
   encounter = { "encounter", "encounter_id", "sighting", "sighting_id", "occasion", "event", "group" },
   side = { "side", "orientation", "position", "viewpoint", "view" },
   box = { "bbox", "box", "bounding_box" },
   mask = { "segmentation", "mask", "rle" },
   width = { "width", "image_width" }, height = { "height", "image_height" },
   id = { "image_id", "id" },
}
local ORDER = { "file", "identity", "date", "time", "encounter", "side", "box", "mask", "width", "height", "id" }

-- A box may stand in four columns.
local CORNERS = {
   { "bbox_x", "bbox_y", "bbox_width", "bbox_height" }, { "bbox_x", "bbox_y", "bbox_w", "bbox_h" },
   { "box_x", "box_y", "box_width", "box_height" }, { "box_x", "box_y", "box_w", "box_h" },
}

local MAY_BE_SAID = { box = true, date = true, encounter = true, file = true, height = true, id = true, identity = true,
   mask = true, side = true, split = true, time = true, width = true }

--- How a user says which column says something, in words.
function columns.how(what)
   return ("--columns %s=NAME, in a script columns = { %s = \"NAME\" }"):format(what, what)
end

--- What is wrong with `what` as something that a column may say; nil where nothing is.
function columns.fault_of(what)
   return not MAY_BE_SAID[what] and ("nothing is called '%s'%s"):format(tostring(what), options.hint(what,
      sorted_keys(MAY_BE_SAID))) or nil
end

--- Fails where a table { what = "name of the column" } of the user's says something else.
function columns.check(wanted)
   for what, name in pairs(wanted) do
      local fault = columns.fault_of(what)
      if fault then error("reid.catalogue: columns: " .. fault, 3) end
      local is_name = type(name) == "string" or what == "split" and type(name) == "table"
      if not is_name then
         error(("reid.catalogue: columns: %s: expected the name of a column, found %s"):format(what, console.brief(name)), 3)
      end
   end
end

-- Names as they are compared -> number.
local function numbers_of(path, header)
   local exact, loose = {}, {}
   for i, name in ipairs(header) do
      name = name:match "^%s*(.-)%s*$"
      if exact[name] and name ~= "" then console.fail("%s: the column '%s' is there twice", path, name) end
      exact[name] = i
      loose[name:lower()] = loose[name:lower()] or i
   end
   return exact, loose
end

local function named(path, header, exact, loose, name, what)
   local found = exact[name] or loose[name:lower()]
   if found then return found end
   console.fail("%s has no column '%s', which is to say the %s%s", path, name, what, options.hint(name, header))
end

-- The four columns of a box.
local function corners_of(loose)
   for _, names in ipairs(CORNERS) do
      local found = {}
      for i, name in ipairs(names) do found[i] = loose[name] end
      if #found == 4 then return found end
   end
end

-- "split" -> "given", "split_closed" -> "closed", "original_split" -> "original"; nil of a column that is none of a split.
local function split_name(column)
   local name = column:lower()
   return name == "split" and "given" or name:match "^split_(.+)$" or name:match "^(.+)_split$"
end

-- The given splits: a list of { name, column number } in the order of the columns.
local function splits_of(path, header, exact, loose, wanted)
   local splits = {}
   if type(wanted) == "string" then
      return { { split_name(wanted) or "given", named(path, header, exact, loose, wanted, "split") } }
   end
   for _, name in ipairs(wanted and sorted_keys(wanted) or {}) do
      splits[#splits + 1] = { name, named(path, header, exact, loose, wanted[name], "split") }
   end
   for i, column in ipairs(wanted and {} or header) do
      local name = split_name(column:match "^%s*(.-)%s*$")
      if name then splits[#splits + 1] = { name, i } end
   end
   return splits
end

-- What a spreadsheet may have put between the fields instead of commas.
local function check_commas(path, header)
   if #header == 1 and header[1]:find "[;\t]" then
      console.fail("%s: expected commas between the fields, found %s", path, header[1]:find ";" and "semicolons" or "tabs")
   elseif header[1]:find "^\xff\xfe" or header[1]:find "^\xfe\xff" then
      console.fail("%s is written in UTF-16; save it as CSV in UTF-8", path)
   end
end

--- Which column says what. header: its names; wanted: what the user says, as above. Returns { file = number, identity = ...,
-- box = number or four numbers, splits = list of { name, number } }; what no column says is nil. path: for messages.
function columns.choose(path, header, wanted)
   check_commas(path, header)
   local exact, loose = numbers_of(path, header)
   local chosen = { splits = splits_of(path, header, exact, loose, wanted.split) }
   for _, what in ipairs(ORDER) do
      if wanted[what] then
         chosen[what] = named(path, header, exact, loose, wanted[what], what)
      else
         for _, name in ipairs(USUAL[what]) do chosen[what] = chosen[what] or loose[name] end
      end
   end
   if chosen.time == chosen.date then chosen.time = nil end -- it has the time behind the day
   chosen.box = chosen.box or corners_of(loose)
   return chosen
end

--- Whether the names in a header are those of a catalogue: photos and individuals, and whatever the user says (see above).
function columns.are_of_catalogue(header, wanted)
   local has = {}
   for _, name in ipairs(header) do has[name:match "^%s*(.-)%s*$":lower()] = true end
   for _, name in pairs(wanted) do
      if type(name) == "string" and not has[name:lower()] then return false end
   end
   local function says(what)
      for _, name in ipairs(wanted[what] and {} or USUAL[what]) do
         if has[name] then return true end
      end
      return wanted[what] ~= nil
   end
   return says "file" and says "identity"
end

-- "identity from 'name'".
local function said(lines, header, what, number)
   if type(number) == "table" then
      local names = {}
      for i, at in ipairs(number) do names[i] = ("'%s'"):format(header[at]) end
      lines[#lines + 1] = ("%s from %s"):format(what, table.concat(names, ", "))
   elseif number then
      lines[#lines + 1] = ("%s from '%s'"):format(what, header[number])
   end
end

--- In words: which column says what, and which are passed over.
function columns.text(header, chosen)
   local lines, used, left = {}, {}, {}
   local function say(what, number)
      said(lines, header, what, number)
      for _, at in ipairs(type(number) == "table" and number or { number }) do used[at] = true end
   end
   for _, what in ipairs(ORDER) do say(what, chosen[what]) end
   for _, split in ipairs(chosen.splits) do say(("split '%s'"):format(split[1]), split[2]) end
   for i, name in ipairs(header) do left[#left + 1] = not used[i] and name or nil end
   return ("columns: %s%s"):format(table.concat(lines, ", "),
      #left > 0 and "; passed over: " .. table.concat(left, ", ") or "")
end

return columns
