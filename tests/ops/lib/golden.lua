-- Reads tests/golden/ops.safetensors: float64 tensors, and in the metadata the fingerprint of each case.
local cjson = require "cjson"

local M = {}

-- open(path) -> {tensors = {name = list of numbers}, fingerprints = {case id = text}, counts = {case id = tensors}};
-- all empty if there is no file
function M.open(path)
   local file = io.open(path, "rb")
   if not file then return { tensors = {}, fingerprints = {}, counts = {} } end
   local content = file:read("a")
   file:close()
   local length = string.unpack("<I8", content)
   local header = cjson.decode(content:sub(9, 8 + length))
   local golden = { tensors = {}, fingerprints = header.__metadata__ or {}, counts = {} }
   header.__metadata__ = nil
   for name, entry in pairs(header) do
      assert(entry.dtype == "F64", name .. ": expected F64")
      local list, at = {}, 8 + length + entry.data_offsets[1] + 1
      while at <= 8 + length + entry.data_offsets[2] do
         list[#list + 1], at = string.unpack("<d", content, at)
      end
      golden.tensors[name] = list
      local id = name:match("^(.*)/[^/]*$")
      golden.counts[id] = (golden.counts[id] or 0) + 1
   end
   return golden
end

-- Large tensors are kept as their sum, their norm and the values at some positions; tests/golden/make_ops.py does the
-- same.
M.whole = 96
function M.summary(values, positions)
   if #values <= M.whole then return values end
   local sum, square, list = 0, 0, {}
   for _, value in ipairs(values) do sum, square = sum + value, square + value * value end
   for _, position in ipairs(positions(#values, 48)) do list[#list + 1] = values[position] end
   list[#list + 1] = sum
   list[#list + 1] = math.sqrt(square)
   return list
end

return M
