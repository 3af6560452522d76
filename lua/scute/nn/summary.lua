-- Layers, output shapes, parameters and multiply-adds of a module.
local scute = require "scute.core"
local Module = require "scute.nn.module"
local columns = require "scute.base.columns"
local console = require "scute.base.console"
local Conv2d = require("scute.nn.conv").Conv2d
local Linear = require("scute.nn.linear").Linear

local function count(shape)
   local n = 1
   for _, size in ipairs(shape) do n = n * size end
   return n
end

-- Multiply-adds of one call: convolutions and linear layers, as torchvision counts them.
local function multiply_adds(module, shape)
   if Module.is(module, Conv2d) then
      local weight = module.weight.shape
      return count(shape) * weight[2] * weight[3] * weight[4]
   end
   return Module.is(module, Linear) and count(shape) * module.in_features or 0
end

-- What every module computed: module -> {shape, macs}.
local function observe(module, x)
   local seen = {}
   local function look(part, output)
      local shape = Module.is_tensor(output) and output.shape or output
      if type(shape) ~= "table" then return end
      local entry = seen[part] or { macs = 0 }
      entry.shape, entry.macs = shape, entry.macs + multiply_adds(part, shape)
      seen[part] = entry
   end
   local training = module.training
   module:eval()
   local ok, message = pcall(scute.no_grad, Module.observed, look, module, x)
   if training then module:train() end
   if not ok then error(message, 0) end
   return seen
end

local function rows_of(module, seen)
   local rows = {}
   local function visit(part, name, depth)
      local row = { name = name, depth = depth, layer = part.class_name, shape = seen[part] and seen[part].shape,
         parameters = part:num_parameters(), macs = seen[part] and seen[part].macs or 0 }
      rows[#rows + 1] = row
      for child_name, child in part:children() do row.macs = row.macs + visit(child, child_name, depth + 1) end
      return row.macs
   end
   visit(module, nil, 0)
   return rows
end

local summary_table = { __name = "summary" }

function summary_table.__tostring(self)
   local lines = { { "layer", "output shape", "parameters", "multiply-adds" } }
   for _, row in ipairs(self) do
      local title = ("   "):rep(row.depth) .. (row.name and row.name .. ": " or "") .. row.layer
      lines[#lines + 1] = { title, row.shape and "(" .. table.concat(row.shape, ", ") .. ")" or "-",
         row.parameters > 0 and columns.thousands(row.parameters) or "-",
         row.macs > 0 and columns.thousands(row.macs) or "-" }
   end
   return columns.text(lines, { 1, 2 })
end

-- The tree of a module as a printable list of {name, layer, depth, shape, parameters, macs}, with the module's own
-- parameters and macs beside. `shape` is that of an input, {1, 3, 224, 224}. Each row counts its children too; a layer
-- that is not called has no shape. A module on the device "shape" is not computed, any other is, once, in evaluation mode.
local function summary(module, shape)
   if type(shape) ~= "table" then
      error("nn.summary: expected the shape of an input, as in { 1, 3, 224, 224 }, found " .. console.brief(shape), 2)
   end
   local first = module:named_parameters()
   local _, parameter = first()
   local where = parameter and { dtype = parameter.dtype, device = parameter.device } or {}
   local rows = rows_of(module, observe(module, scute.zeros(shape, where)))
   rows.parameters, rows.macs = rows[1].parameters, rows[1].macs
   return setmetatable(rows, summary_table)
end

return { summary = summary }
