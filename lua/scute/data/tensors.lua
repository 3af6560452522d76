-- A data set of tensors.
local console = require "scute.base.console"
local labelled = require "scute.data.labelled"
local options = require "scute.base.options"
local samples = require "scute.data.samples"
local scute = require "scute"
local is_tensor = require("scute.nn.module").is_tensor

local CLASSES, VAL, SEED = labelled.options "the share of each class that validates, drawn by the seed, or { x = , y = }"

local TENSORS = options.declare("data.tensors", {
   { "x", required = true, is = is_tensor, expected = "a tensor (N, C, H, W)", help = "(N, C, H, W): floating point or u8" },
   { "y", required = true, is = function(value) return is_tensor(value) or type(value) == "table" end,
     expected = "a list or a tensor of classes", help = "class numbers from 1, or names: a list, or an i64 tensor (N)" },
   CLASSES, VAL, SEED,
   { "normalize", flag = true, show = "true for u8",
     help = "take mean and deviation of the model's preprocessing off, as for photos: u8 is from 0 to 255, floating point from "
        .. "0 to 1; otherwise the network gets the numbers as they are" },
})

local function fail(format, ...)
   error("data.tensors: " .. format:format(...), 0)
end

local function check_x(name, x)
   if not is_tensor(x) or #x.shape ~= 4 then
      fail("%sx: expected a tensor (N, C, H, W), found %s", name, is_tensor(x) and "shape (" .. table.concat(x.shape, ", ")
         .. ")" or console.brief(x))
   end
end

local function labels_of(name, y, n)
   local list = is_tensor(y) and y:values() or y
   if type(list) ~= "table" then fail("%sy: expected a list or a tensor of classes, found %s", name, console.brief(y)) end
   if #list ~= n then fail("%sy: expected %d classes, one for each row of x, found %d", name, n, #list) end
   return list
end

-- Entries for scute.data.labelled. name: before x and y in messages; prefix: of the samples.
local function entries_of(made, name, prefix, x, y)
   check_x(name, x)
   local labels, entries = labels_of(name, y, x.shape[1]), {}
   local paths = made:add(prefix, #labels, function(i)
      return scute.slice(x, 1, i, i), ("data.tensors: %sx: row %d: "):format(name, i)
   end)
   for i, label in ipairs(labels) do
      entries[i] = { path = paths[i], label = labelled.class(label), words = ("%sy: place %d"):format(name, i) }
      made:look(paths[i])
   end
   return entries
end

local function tell_range(set, x, normalize)
   if normalize or x.dtype == "u8" or x:min():item() < 0 or x:max():item() > 1 or x:max():item() == 0 then return end
   set.notes[#set.notes + 1] = "the numbers lie from 0 to 1 and go to the network as they are; pretrained weights expect what "
      .. "normalize = true makes of them"
end

local function make(o)
   local made, val = samples.new(o.normalize), nil
   local train = entries_of(made, "", "sample", o.x, o.y)
   if not labelled.is_share(o.val) then val = entries_of(made, "val.", "validation sample", o.val.x, o.val.y) end
   local set = labelled.set("data.tensors", "tensors", train, val, o, { samples = made })
   tell_range(set, o.x, o.normalize)
   return set
end

--- A data set of tensors, for train.fit, scute.score and evaluate.photos as what data.open returns. Its samples are called
-- "sample 1", "sample 2", ... by their row (those of a val of its own "validation sample 1", ...).
local function tensors(given)
   local o = TENSORS:read(given)
   if o.normalize == nil then o.normalize = o.x.dtype == "u8" end
   local done, set = pcall(make, o)
   if not done then error(set, 2) end
   return set
end

return TENSORS:describes(tensors)
