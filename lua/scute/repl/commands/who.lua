-- .who: the variables of the session: names, what they are, and the memory that their tensors take.
local columns = require "scute.base.columns"
local console = require "scute.base.console"
local scute = require "scute"
local show = require "scute.repl.show"
local sorted_keys = require "scute.base.sorted_keys"
local standard = require "scute.repl.standard"

local SIZES = { f64 = 8, f32 = 4, f16 = 2, bf16 = 2, i64 = 8, u8 = 1 } -- bytes of an element
local WIDEST = 56 -- letters for what something is

local tensor_type = getmetatable(scute.zeros(1))

local function is_tensor(value)
   return type(value) == "userdata" and getmetatable(value) == tensor_type and pcall(value.numel, value)
end

local function is_module(value)
   return type(value) == "table" and rawget(value, "_children") ~= nil
end

local function bytes_of_tensor(t)
   if t.device == "shape" then return 0 end
   return t:numel() * SIZES[t.dtype] + (t.grad and t.grad:numel() * SIZES[t.grad.dtype] or 0)
end

-- Of the tensors in a list or a table, not of those deeper in it; those of a network are all of them.
local function bytes_of(value)
   if is_tensor(value) then return bytes_of_tensor(value) end
   local sum = 0
   local held = is_module(value) and value:state_dict().tensors or type(value) == "table" and value or {}
   for _, inner in next, held do
      if is_tensor(inner) then sum = sum + bytes_of_tensor(inner) end
   end
   return sum
end

local function count(t)
   local n = 0
   for _ in next, t do n = n + 1 end
   return n
end

local function what_is(value)
   local meta = debug.getmetatable(value)
   if is_tensor(value) then
      return ("tensor %s %s (%s)%s"):format(value.dtype, value.device, table.concat(value.shape, ", "),
         value.requires_grad and " requires_grad" or "")
   elseif is_module(value) then
      return ("%s, %s parameters"):format(value.arch or value.class_name, columns.thousands(value:num_parameters()))
   elseif type(value) == "function" then
      local info = debug.getinfo(value, "S")
      return info.what == "C" and "function" or ("function, %s:%d"):format(info.short_src, info.linedefined)
   elseif type(value) == "table" and not (meta and meta.__tostring) then
      return ("table, %s"):format(console.count(count(value), "entry", "entries"))
   elseif type(value) == "string" then
      return ("%q"):format(value):gsub("\\\n", "\\n")
   end
   return show.text(value)
end

-- Names of variables that are the user's.
local function names()
   local list = {}
   for _, name in ipairs(sorted_keys(_G)) do
      if type(name) == "string" and not standard[name] then list[#list + 1] = name end
   end
   return list
end

local function row(name)
   local value = rawget(_G, name)
   local what = console.brief(what_is(value))
   local bytes = bytes_of(value)
   return { name, console.cut(what, WIDEST), bytes > 0 and console.bytes(bytes) or "" }
end

local function padded(text, width)
   return text .. (" "):rep(width - (utf8.len(text) or #text))
end

return function()
   local rows, widths = {}, { 0, 0 }
   for i, name in ipairs(names()) do rows[i] = row(name) end
   if #rows == 0 then return print "no variables yet" end
   for _, cells in ipairs(rows) do
      for i = 1, 2 do widths[i] = math.max(widths[i], utf8.len(cells[i]) or #cells[i]) end
   end
   for _, cells in ipairs(rows) do
      local line = ("%s  %s  %s"):format(padded(cells[1], widths[1]), padded(cells[2], widths[2]), cells[3])
      console.print((line:gsub("%s+$", "")))
   end
end
