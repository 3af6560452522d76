--- Layers in the words of torch.nn: Python that builds them.
local json = require "scute.base.json"
local kinds = require "scute.nn.kinds"

local pytorch = {}

--- A number as Python writes one, with as few digits as tell it.
function pytorch.number(x)
   local short = ("%.15g"):format(x)
   return tonumber(short) == x and short or ("%.17g"):format(x)
end

-- What stands between the braces, by kind; the parameters have the same names on both sides.
local ARGUMENTS = {
   Linear = function(o) return ("%d, %d%s"):format(o.in_features, o.out_features, o.bias and "" or ", bias=False") end,
   Dropout = function(o) return pytorch.number(o.p) end,
   GELU = function(o) return ("approximate=%q"):format(o.approximate) end,
   Identity = "", ReLU = "", ReLU6 = "", SiLU = "", Tanh = "", Sigmoid = "", Hardswish = "", Hardsigmoid = "",
}

--- A layer as Python, as in torch.nn.Linear(512, 10); nil and the kind of the layer that has no counterpart.
function pytorch.code(layer)
   local kind = kinds.of(layer)
   local arguments = ARGUMENTS[kind]
   if arguments then
      return ("torch.nn.%s(%s)"):format(kind, type(arguments) == "string" and arguments or arguments(kinds.options(layer)))
   elseif kind ~= "Sequential" then
      return nil, layer.class_name
   end
   local parts = {}
   for _, inner in layer:children() do
      local code, other = pytorch.code(inner)
      if not code then return nil, other end
      parts[#parts + 1] = code
   end
   return ("torch.nn.Sequential(%s)"):format(table.concat(parts, ", "))
end

--- A place in a model as Python, as in model.classifier[1].
function pytorch.place(path)
   return "model" .. ("." .. path):gsub("%.(%d+)", "[%1]")
end

--- A text as Python writes one: JSON's is one of Python's.
function pytorch.text(text)
   return json.line(text)
end

return pytorch
