-- What an experiment compares: a list of variants, or a grid of which each combination is one. A variant has a name, and
-- options that mean whatever `run` makes of them.
local nearest = require("scute.core").nearest
local part_text = require "scute.base.part_text"
local plain_text = require "scute.base.plain_text"
local sorted_keys = require "scute.base.sorted_keys"

local variants = {}

local MOST = 1000 -- variants of a grid
local DEPTH = 20  -- of tables in tables, which may hold themselves
local LONGEST = 200 -- bytes of a folder's name

-- ---- folders ----

local function encoded(byte)
   return ("%%%02X"):format(byte:byte())
end

--- The name of a variant as that of a folder.
function variants.folder(name)
   local text = name:gsub("[^%w_=+,. -]", encoded):gsub("^%.", encoded):gsub(" ", "_")
   if #text <= LONGEST then return text end
   return ("%s-%s"):format(text:sub(1, LONGEST - 40), require("scute").checksum { name })
end

-- ---- a list ----

local function equal(a, b, depth)
   if rawequal(a, b) then return true end
   if type(a) ~= "table" or type(b) ~= "table" or depth > DEPTH or getmetatable(a) ~= getmetatable(b) then return false end
   for key, value in next, a do
      if not equal(value, rawget(b, key), depth + 1) then return false end
   end
   for key in next, b do
      if rawget(a, key) == nil then return false end
   end
   return true
end

local function is_listed(key, n)
   return math.type(key) == "integer" and key >= 1 and key <= n
end

-- What is wrong with the keys of a variant's table; nil where nothing is.
local function fault_of_keys(name, given)
   for key in next, given do
      if key == "name" then return ("variant '%s': its name stands first, and no option is called 'name'"):format(name) end
      if type(key) ~= "string" and key ~= 1 then
         return ("variant '%s': expected options by name, as in { \"%s\", unfreeze = \"none\" }, found [%s]"):format(name, name,
            part_text.of(key))
      end
   end
end

-- What would break a line, or what a terminal takes for a command.
local function has_controls(name)
   return name:find "%c" ~= nil or name:find "\xC2[\x80-\x9F]" ~= nil
end

local function read_variant(given, i)
   local name = type(given) == "table" and given[1]
   if type(name) ~= "string" or name == "" then
      return nil, ("variant %d: expected { \"its name\", option = value, ... }, found %s"):format(i, part_text.of(given))
   end
   if has_controls(name) then
      return nil, ("variant %d: expected a name of one line without control characters, found %q"):format(i, name)
   end
   local fault = fault_of_keys(name, given)
   if fault then return nil, fault end
   local options = {}
   for key, value in next, given do
      if key ~= 1 then options[key] = value end
   end
   return { name = name, options = options }
end

-- Of two that are the same there is no difference to be found, and results of one name would be taken for each other's.
local function fault_of_pair(first, second)
   if first.name == second.name then return ("two variants are called '%s'"):format(first.name) end
   if equal(first.options, second.options, 1) then
      return ("'%s' and '%s' have the same options; what differs between variants has to be an option of theirs"):format(
         first.name, second.name)
   end
   if variants.folder(first.name) == variants.folder(second.name) then
      return ("'%s' and '%s' would lie in one folder; call one of them otherwise"):format(first.name, second.name)
   end
end

local function fault_of_pairs(list)
   for i = 1, #list do
      for k = 1, i - 1 do
         local fault = fault_of_pair(list[k], list[i])
         if fault then return fault end
      end
   end
end

-- The variants of a list; nil and what is wrong.
local function of_list(given)
   local list = {}
   for key in next, given do
      if not is_listed(key, #given) then
         return nil, ("option 'variants': expected a list of { name, option = value, ... }, found a field '%s'"):format(
            tostring(key))
      end
   end
   if #given == 0 then return nil, "option 'variants': there is none; expected at least one { name, option = value, ... }" end
   for i, entry in ipairs(given) do
      local variant, fault = read_variant(entry, i)
      if not variant then return nil, "option 'variants': " .. fault end
      list[i] = variant
   end
   local fault = fault_of_pairs(list)
   if fault then return nil, "option 'variants': " .. fault end
   return list
end

-- ---- a grid ----

-- What a value is called in the name of a variant; of one that has no short name, its place in the list.
local function value_text(value, place)
   if type(value) == "string" and has_controls(value) then return "#" .. place end
   if type(value) == "number" or type(value) == "string" or type(value) == "boolean" then return plain_text(value) end
   return "#" .. place
end

local function fault_of_axis(key, values)
   if type(key) ~= "string" or key == "name" then
      return ("expected lists by the name of an option, other than 'name', found [%s]"):format(part_text.of(key))
   end
   if has_controls(key) then return ("expected a name of one line for an option, found %q"):format(key) end
   if type(values) ~= "table" or #values == 0 then
      return ("expected a list of values for '%s', as in { 1e-4, 1e-3 }, found %s"):format(key, part_text.of(values))
   end
   for i, value in ipairs(values) do
      for k = 1, i - 1 do
         if equal(value, values[k], 1) then return ("'%s' has the value %s twice"):format(key, part_text.of(value)) end
      end
   end
end

-- Each combination so far with each value of one more axis.
local function crossed(list, key, values)
   local more = {}
   for _, variant in ipairs(list) do
      for i, value in ipairs(values) do
         local options = { [key] = value }
         for name, before in next, variant.options do options[name] = before end
         local word = ("%s=%s"):format(key, value_text(value, i))
         more[#more + 1] = { name = variant.name == "" and word or variant.name .. " " .. word, options = options }
      end
   end
   return more
end

local function of_grid(grid)
   local list, axes = { { name = "", options = {} } }, {}
   for key, values in next, grid do
      local fault = fault_of_axis(key, values)
      if fault then return nil, "option 'grid': " .. fault end
   end
   for i, key in ipairs(sorted_keys(grid)) do
      axes[i] = { key = key, values = grid[key] }
      if #list * #grid[key] > MOST then return nil, ("option 'grid': more than %d combinations"):format(MOST) end
      list = crossed(list, key, grid[key])
   end
   if #axes == 0 then
      return nil, "option 'grid': there is no option in it; expected lists of values, as { lr = { 1e-4, 1e-3 } }"
   end
   local fault = fault_of_pairs(list)
   if fault then return nil, "option 'grid': " .. fault end
   return list, nil, axes
end

--- The variants that options of scute.experiment ask for, a list of { name, options }; nil and what is wrong. Third, of a grid:
-- its axes, a list of { key, values }.
function variants.of(given)
   if given.grid then return of_grid(given.grid) end
   if given.variants then return of_list(given.variants) end
   return nil, "option 'variants' is missing, or 'grid': what is compared"
end

-- ---- as `run` gets one ----

-- All names that any of the variants has.
local function names_of(list)
   local known = { name = true }
   for _, variant in ipairs(list) do
      for key in next, variant.options do known[key] = true end
   end
   return known
end

local behind = setmetatable({}, { __mode = "k" }) -- variant as run has it -> { options, read = set of those that were read }

-- Reading what no variant has is an error with the nearest name.
local function refuse(known, key)
   local near = nearest(key, sorted_keys(known))
   error(("no variant has an option '%s'%s"):format(key, near and ("; did you mean '%s'?"):format(near)
      or "; they have " .. table.concat(sorted_keys(known), ", ")), 3)
end

--- The variant of that name in a list as `run` gets it: its options and its name, strict: reading what no variant has is an
-- error with the nearest name, and what only others have is nil. nil where there is none.
function variants.strict(list, name)
   local known = names_of(list)
   for _, variant in ipairs(list) do
      if variant.name == name then
         local own, read = { name = name }, { name = true }
         for key, value in next, variant.options do own[key] = value end
         local strict = setmetatable({}, { __name = "variant", __index = function(_, key)
            read[key] = true
            if own[key] == nil and not known[key] and type(key) == "string" then refuse(known, key) end
            return own[key]
         end, __pairs = function()
            for key in next, own do read[key] = true end
            return next, own
         end, __newindex = function(_, key, value) own[key] = value end })
         behind[strict] = { options = own, read = read }
         return strict
      end
   end
end

--- What a variant as run has it says, its name too, without being read by it.
function variants.options(strict)
   return behind[strict] and behind[strict].options or strict
end

--- The options of a variant that `run` has not read, a sorted list: to it they make no difference.
function variants.unread(strict)
   local list = {}
   if not behind[strict] then return list end
   for key in next, behind[strict].options do list[#list + 1] = not behind[strict].read[key] and key or nil end
   table.sort(list)
   return list
end

return variants
