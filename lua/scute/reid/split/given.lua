-- A split that comes with the data (columns of a CSV; split_closed, split_closed_random and split_open of SeaTurtleID2022).
local console = require "scute.base.console"
local deal = require "scute.reid.split.deal"
local kind = require "scute.reid.split.kind"
local options = require "scute.base.options"
local sorted_keys = require "scute.base.sorted_keys"

local given = {}

local PARTS = { train = "train", valid = "val", test = "test" }

--- The names of the splits that a catalogue's rows have, sorted.
function given.names(rows)
   local names = {}
   for _, row in ipairs(rows) do
      for name in pairs(row.split or {}) do names[name] = true end
   end
   return sorted_keys(names)
end

local function holds(list, name)
   for _, entry in ipairs(list) do
      if entry == name then return true end
   end
   return false
end

-- Which one is meant.
local function choose(rows, wanted)
   local names = given.names(rows)
   if #names == 0 then
      console.fail "protocol: given needs a split that the data has, and there is none; choose another protocol"
   end
   if wanted and not holds(names, wanted) then
      console.fail("given: the data has no split '%s'%s", wanted, options.hint(wanted, names))
   end
   if wanted or #names == 1 then return wanted or names[1] end
   if holds(names, "closed") then return "closed" end
   console.fail("given: the data has several splits, and one has to be chosen: %s", table.concat(names, ", "))
end

-- The numbers of the rows in a part.
local function rows_in(parts, name)
   local list = {}
   for i, part in ipairs(parts) do
      if part == name then list[#list + 1] = i end
   end
   return list
end

local function hold_out(rows, individuals, parts, o, name)
   deal.hold_out(rows, individuals, parts, o.val_fraction, o.seed)
   o.notes[#o.notes + 1] = ("the split '%s' has no photos that validate%s"):format(name, #rows_in(parts, "val") > 0
      and (": %g %% of each one's encounters that train do, drawn, seed %d"):format(100 * o.val_fraction, o.seed)
      or ", and nobody has two encounters that train, so that one could")
end

--- See scute.reid.split.within.
function given.split(rows, individuals, o)
   local name = choose(rows, o.given)
   local parts, has_val, without = {}, false, 0
   for i, row in ipairs(rows) do
      local said = row.split and row.split[name]
      local part = said and PARTS[said]
      if said and not part then
         error(("reid.split: row %d of the catalogue: expected the split train, valid or test, found '%s'"):format(i, said), 0)
      end
      parts[i] = individuals.of[i] and part or false
      has_val = has_val or parts[i] == "val"
      without = without + ((individuals.of[i] and not part) and 1 or 0)
   end
   if without > 0 then
      o.notes[#o.notes + 1] = ("%s in no part of the split '%s'"):format(without == 1 and "1 photo is"
         or without .. " photos are", name)
   end
   local text = kind.text(rows, individuals, rows_in(parts, "train"), rows_in(parts, "test"))
   if not has_val and o.val_fraction > 0 then hold_out(rows, individuals, parts, o, name) end
   o.given = name
   return parts, ("given split '%s' (%s)"):format(name, text)
end

return given
