-- A file of annotations in COCO's form, as a table. In the larger ones nearly all of the text is run lengths of masks: those
-- are cut out before the rest is read, and are read where they are asked for.
local cjson = require "cjson"
local console = require "scute.base.console"
local file_text = require "scute.base.file_text"
local scute = require "scute.core"

local coco_file = {}

-- The text with a number in the place of each list of counts, and where those lists begin and end.
local function without_counts(text)
   local parts, n, starts, ends, from, at = {}, 0, {}, {}, 1, 1
   while true do
      local _, last = text:find('"counts"', at, true)
      if not last then break end
      local open = text:match("^%s*:%s*()%[", last + 1)
      local close = open and text:find("]", open, true)
      at = (close or last) + 1
      if close then
         n = n + 1
         starts[n], ends[n] = open, close
         parts[2 * n - 1], parts[2 * n] = text:sub(from, open - 1), tostring(n)
         from = close + 1
      end
   end
   if n == 0 then return text, starts, ends end
   parts[2 * n + 1] = text:sub(from)
   return table.concat(parts), starts, ends
end

-- The collector is kept from looking again and again at a table that only grows.
local function decode(text)
   scute.make_room(2 * #text) -- lua-cjson ends the program where its text cannot grow
   collectgarbage "stop"
   local ok, value = pcall(cjson.decode, text)
   collectgarbage "restart"
   return ok and type(value) == "table", value
end

local function damaged(path, why)
   console.fail("'%s' is damaged or was cut off (%s)", path, console.brief(why))
end

local function list_in(path, data, name)
   local list = data[name]
   if type(list) ~= "table" or next(list) ~= nil and list[1] == nil then
      console.fail("'%s' is no file of annotations in COCO's form: it has no list '%s'", path, name)
   end
   for i = 1, #list do
      if type(list[i]) ~= "table" then console.fail("%s: entry %d of '%s' is no table", path, i, name) end
   end
   return list
end

--- Reads such a file: { images, annotations, categories = lists of tables as JSON has them, null being cjson.null, and counts =
-- function(mask) -> the mask with its counts, nil where those are damaged }.
function coco_file.read(path)
   local text = file_text(path)
   local short, starts, ends = without_counts(text)
   local ok, data = decode(short)
   if not ok then damaged(path, type(data) == "table" and "no table in it" or data) end
   local read = {}
   for _, name in ipairs { "images", "annotations", "categories" } do read[name] = list_in(path, data, name) end
   function read.counts(mask)
      local number = type(mask) == "table" and mask.counts
      if type(number) ~= "number" or not starts[number] then return mask end
      local good, list = pcall(cjson.decode, text:sub(starts[number], ends[number]))
      return good and { size = mask.size, counts = list } or nil
   end
   return read
end

return coco_file
