-- What help() shows first, and what it lists: the families, the ops.
local text = require "scute.help.text"

local overview = {}

local TITLE = "scute: tensors with gradients, pretrained networks, optimizers, photos."

local FIRST = {
   { "x = scute.tensor { { 1, 2 }, { 3, 4 } }",
      "from tables; also zeros, ones, full, eye, rand, randn, randint, arange, linspace" },
   { "x[1][2]   x[{ {}, 2 }]   #x   x.shape", "indices and dimensions start at 1, -1 is the last" },
   { "y = (x * 2 + 1):sum()", "arithmetic and methods; every op is both scute.op(x) and x:op()" },
   { "w = scute.randn(2, 2):requires_grad_()", "then loss:backward() fills w.grad" },
   { "m = scute.models.resnet18 { classes = 10 }", "a network; m:groups() shows what trains, m(x) runs it" },
   { "scute.no_grad(function() ... end)", "without recording for gradients" },
   { "show(x)   x;   _   _1   _2", "all of x, or nothing of it; the last results that were not nil" },
}

local QUESTIONS = {
   { 'help "conv2d"', "an op" }, { 'help "t:item"', "a method of tensors" }, { 'help "ops"', "all ops" },
   { 'help "models.create"', "a function of the library" }, { 'help "nn"', "a family" }, { "help(f)", "any value you hold" },
   { "? conv2d", "the same as help" }, { "?? batch norm", "names and texts with these words" },
}

-- The entries of a kind.
local function of_kind(index, kind)
   local list = {}
   for _, entry in ipairs(index.list) do
      if entry.kind == kind then list[#list + 1] = entry end
   end
   return list
end

--- The overview.
function overview.text(index, width)
   return table.concat({ TITLE, text.columns(FIRST, width), text.columns(QUESTIONS, width),
      "families:\n" .. text.list(of_kind(index, "family"), width) }, "\n\n")
end

--- The ops, a line each.
function overview.ops(index, width)
   return text.list(of_kind(index, "op"), width) .. '\n\nhelp "NAME" explains one.'
end

return overview
