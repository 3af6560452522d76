-- Gradients, compared with differences: whether a backward belongs to its forward.
--
--    scute.gradcheck(mish, scute.randn(2, 3):requires_grad_())                     -- true, or an error
--    scute.gradcheck(function(x, w) return x:conv2d(w):tanh() end, { x, w })
--    scute.gradcheck(layer, { x })                                                 -- by its parameters too
--    local right, why = scute.gradcheck(f, { x }, { raise = false })
--
-- Each number of each input is moved by a step to either side, and the difference of every output, divided by the step, has to
-- be what backward gives. In f32 an output is known to 7 digits, so that the step cannot be small: 1/256, or 1/256 of a number
-- above 1, and a derivative of about 1 comes out right to about 0.0001. What fits PyTorch's gradcheck (a step of 1e-6) are f64
-- inputs, which ops take, and kernels of each element of one's own (scute.kernel); whole functions compute in f32.
--
-- Choose small tensors (there are two calls of f for each number of an input, and a backward for each number of an output), of
-- numbers near 1 and apart from where f has a kink: of relu and abs from 0, of maximum where both are equal.
local scute = require "scute"
local Module = require "scute.nn.module"
local compare = require "scute.gradcheck.compare"
local console = require "scute.base.console"
local leaves = require "scute.gradcheck.leaf"
local options = require "scute.base.options"
local slopes = require "scute.gradcheck.slopes"

local MOST = 4000000 -- derivatives that are compared one by one
local DEFAULTS = {
   f32 = { eps = 1 / 256, atol = 1e-3, rtol = 1e-3, ulp = 2 ^ -24 },
   f64 = { eps = 1e-6, atol = 1e-5, rtol = 1e-3, ulp = 2 ^ -53 },
}

local GRADCHECK = options.declare("gradcheck", {
   { "eps", number = true, above = 0, help = "the step, times a number above 1; by default 1/256, of f64 1e-6" },
   { "atol", number = true, min = 0,
     help = "how far both may be apart, times the largest derivative where that is below 1; by default 0.001, 1e-5 where all "
        .. "is f64" },
   { "rtol", number = true, min = 0, default = 1e-3, help = "and beyond that, as a share of the difference's derivative" },
   { "nondet_tol", number = true, min = 0, default = 0,
     help = "how far two calls of f, or of its backward, may be apart on the same numbers" },
   { "fast", flag = true, default = false,
     help = "compares one derivative for each input and output, in a direction in which all numbers move: for large tensors" },
   { "raise", flag = true, default = true, help = "an error where a gradient is wrong; false: returns false and the text" },
})

-- ---- what is checked ----

local function refuse(format, ...)
   error(("gradcheck: " .. format):format(...), 0)
end

local function list_of(inputs)
   if Module.is_tensor(inputs) then return { n = 1, inputs } end
   if type(inputs) ~= "table" or Module.is(inputs) then
      refuse("expected a tensor or a list of what f is called with, found %s", console.brief(inputs))
   end
   local list = { n = #inputs }
   for i, value in ipairs(inputs) do list[i] = value end
   for key in next, inputs do
      if math.type(key) ~= "integer" or key < 1 or key > list.n then
         refuse("inputs: expected a list of what f is called with, found a field '%s'", tostring(key))
      end
   end
   return list
end

local function add_leaf(list, tensor, name)
   for _, leaf in ipairs(list) do
      if leaf.tensor == tensor then return end
   end
   if not tensor.is_leaf then
      refuse("%s was computed by other ops; give x:detach():requires_grad_() in its place", name)
   end
   if tensor.dtype == "f16" or tensor.dtype == "bf16" then
      refuse("%s is %s, which is too coarse for differences; check f with x:to 'f32'", name, tensor.dtype)
   end
   list[#list + 1] = leaves.new(tensor, name)
end

local function leaves_of(f, inputs)
   local list = {}
   for i = 1, inputs.n do
      if Module.is_tensor(inputs[i]) and inputs[i].requires_grad then add_leaf(list, inputs[i], "input " .. i) end
   end
   if Module.is(f) then
      for name, tensor in f:named_parameters() do
         if tensor.requires_grad then add_leaf(list, tensor, ("parameter '%s'"):format(name)) end
      end
   end
   if #list == 0 then
      refuse("none of the inputs requires a gradient; ask for it with x:requires_grad_()")
   end
   return list
end

-- The modules whose running statistics calls of f may write: f itself, or those that a function closes over.
local function modules_of(f)
   local list, at = { Module.is(f) and f or nil }, 0
   while type(f) == "function" do
      at = at + 1
      local name, value = debug.getupvalue(f, at)
      if not name then break end
      if Module.is(value) then list[#list + 1] = value end
   end
   return list
end

-- Whatever else calls of f may write: inputs without a gradient, and running statistics.
local function others_of(f, inputs)
   local others = {}
   for i = 1, inputs.n do
      local x = inputs[i]
      if Module.is_tensor(x) and not x.requires_grad then others[#others + 1] = leaves.new(x, "input " .. i) end
   end
   for _, module in ipairs(modules_of(f)) do
      for name, tensor in module:named_buffers() do others[#others + 1] = leaves.new(tensor, ("buffer '%s'"):format(name)) end
   end
   return others
end

-- ---- places and texts ----

-- " [2, 3]" of an element by its number, nothing of a scalar.
local function index_text(shape, number)
   local parts, rest = {}, number - 1
   for d = #shape, 1, -1 do
      parts[d] = rest % shape[d] + 1
      rest = rest // shape[d]
   end
   return #shape == 0 and "" or (" [%s]"):format(table.concat(parts, ", "))
end

local function number_text(x)
   return x == x and ("%.6g"):format(x) or "NaN"
end

-- What may explain a difference, for the end of the message.
local function explanation(place)
   local a, forward, back = place.analytic, place.forward, place.back
   if place.absent then return "; backward gives none at all: is it declared non-differentiable, or detached?" end
   if a ~= a or place.numeric ~= place.numeric then return "; NaN is never right" end
   if math.abs(place.numeric) == math.huge then return "; f is infinite there, or jumps to infinity: choose other numbers" end
   if forward and math.min(forward, back) <= a and a <= math.max(forward, back) then
      return ("; from one side it is %s, from the other %s: f has a kink, a jump or a sharp turn there, choose other numbers")
         :format(number_text(back), number_text(forward))
   end
   if math.abs(a - place.numeric) <= place.rounding then
      return ("; f gives up to %s, and its rounding alone may make so much: choose smaller numbers, or a larger eps")
         :format(number_text(place.size))
   end
   return ""
end

local function allowance(place)
   return place.allowed < math.huge and (" (they may be %s apart)"):format(number_text(place.allowed)) or ""
end

local function pair_text(check, pair)
   return ("of output %d by %s"):format(check.outputs[pair.k].place, check.leaves[pair.l].name)
end

local function verdict(check, wrong)
   local worst, also = wrong[1], {}
   for i = 2, #wrong do also[#also + 1] = pair_text(check, wrong[i]) end
   local place, found, output, leaf = worst.found.worst, worst.found, check.outputs[worst.k], check.leaves[worst.l]
   local where = place.j and (" in %d of %d places, most at output %d%s by %s%s"):format(found.wrong, found.n, output.place,
      index_text(output.shape, place.j), leaf.name, index_text(leaf.tensor.shape, place.i)) or ", in a direction drawn for all"
   return ("gradcheck: the gradient %s is wrong%s: backward gives %s, differences %s%s%s%s"):format(
      pair_text(check, worst), where, number_text(place.analytic), number_text(place.numeric), allowance(place),
      explanation(place), #also > 0 and "; so is that " .. table.concat(also, ", ") or "")
end

-- ---- checking ----

local function same(a, b, tolerance)
   return a == b or a ~= a and b ~= b or math.abs(a - b) <= tolerance
end

local function refuse_changes(list)
   for _, leaf in ipairs(list) do
      for i, value in ipairs(leaf.name:find "^buffer" and {} or leaf.tensor:values()) do
         if not same(value, leaf.values[i], 0) then
            refuse("f changes %s in place%s, from %s to %s; let it compute new tensors", leaf.name,
               index_text(leaf.tensor.shape, i), number_text(leaf.values[i]), number_text(value))
         end
      end
   end
end

-- The first two lists of lists that differ, as { which, element, a, b }; nil where none do.
local function difference(first, second, tolerance)
   for k, list in pairs(first) do
      if not second[k] or #second[k] ~= #list then return { k, 1, #list, second[k] and #second[k] or 0 } end
      for j, value in ipairs(list) do
         if not same(value, second[k][j], tolerance) then return { k, j, value, second[k][j] } end
      end
   end
end

local function refuse_chance(check)
   local again = difference(check.here, slopes.values(check.f, check.inputs), check.nondet_tol)
   if again then
      refuse("f gives other numbers when it is called again (output %d: %s, then %s): dropout, or random numbers? Differences"
         .. " need a function of its inputs alone", check.outputs[again[1]].place, number_text(again[3]), number_text(again[4]))
   end
   local weights = {}
   for k, output in ipairs(check.outputs) do
      weights[k] = {}
      for j = 1, output.numel do weights[k][j] = 1 end
   end
   local first = slopes.backward(check.outputs, weights, check.leaves)
   local other = difference(first, slopes.backward(check.outputs, weights, check.leaves), check.nondet_tol)
   if other then
      refuse("backward gives other gradients when it is called again (%s: %s, then %s)", check.leaves[other[1]].name,
         number_text(other[3]), number_text(other[4]))
   end
end

local function refuse_size(check)
   local n_in, n_out = 0, 0
   for _, leaf in ipairs(check.leaves) do n_in = n_in + #leaf.values end
   for _, output in ipairs(check.outputs) do n_out = n_out + output.numel end
   if n_in * n_out > MOST then
      refuse("%d numbers of outputs by %d of inputs are too many to compare one by one; choose smaller tensors, or fast = true",
         n_out, n_in)
   end
end

local function failures(results)
   local wrong = {}
   for l, found in ipairs(results) do
      for k, one in ipairs(found) do
         if one.wrong > 0 then wrong[#wrong + 1] = { l = l, k = k, found = one } end
      end
   end
   table.sort(wrong, function(a, b)
      local x, y = a.found.worst.how, b.found.worst.how
      if x ~= y then return x > y end
      return a.l < b.l or a.l == b.l and a.k < b.k
   end)
   return wrong
end

-- nil, or the text of what is wrong.
local function run(check)
   check.outputs = slopes.outputs(check.f, check.inputs)
   for k, output in ipairs(check.outputs) do check.reached[k] = leaves.reached(output.tensor) end
   refuse_changes(check.leaves)
   refuse_changes(check.others)
   if #check.outputs == 0 then refuse "f gives no floating-point tensor, so there is no gradient to check" end
   check.here = {}
   for k, output in ipairs(check.outputs) do check.here[k] = output.tensor:values() end
   refuse_chance(check)
   if not check.fast then refuse_size(check) end
   local wrong = failures((check.fast and compare.fast or compare.all)(check))
   return #wrong > 0 and verdict(check, wrong) or nil
end

-- As exact as the least exact of what is moved.
local function settle(check)
   local dtype = "f64"
   for _, leaf in ipairs(check.leaves) do
      if leaf.tensor.dtype == "f32" then dtype = "f32" end
   end
   for name, value in pairs(DEFAULTS[dtype]) do check[name] = check[name] or value end
end

-- Everything is as before when this returns, errors of f's included, which pass.
local function checked(f, inputs, o)
   inputs = list_of(inputs)
   local check = { f = f, inputs = inputs, leaves = leaves_of(f, inputs), others = others_of(f, inputs),
      reached = {} }
   for name, value in pairs(o) do check[name] = value end
   settle(check)
   local recording = scute.set_recording(true)
   local done, result = pcall(run, check)
   scute.set_recording(recording)
   for _, list in ipairs { check.leaves, check.others } do
      for _, leaf in ipairs(list) do leaves.restore(leaf) end
   end
   for _, list in ipairs(check.reached) do
      for _, leaf in ipairs(list) do leaves.restore_gradient(leaf) end
   end
   if not done then error(result, 0) end
   return result
end

local function is_callable(f)
   return type(f) == "function" or (getmetatable(f) or {}).__call ~= nil
end

--- Compares the gradients that backward gives of f(...) with differences of its outputs. f: any function of tensors, a kernel
-- or a module. inputs: a tensor, or a list of what f is called with, tensors or not; checked are those with `requires_grad`
-- and, of a module, its trainable parameters. Returns true. A wrong gradient is an error that names the output, the input and
-- the element which are worst; raise = false returns false and that text. What makes a check pointless (nothing requires a
-- gradient, f16 or bf16, a function that changes its inputs or gives other numbers each time) is an error in any case.
-- Inputs and all gradients are what they were afterwards, and so are the running statistics of a module that is f, or a local
-- around it.
local function gradcheck(f, inputs, given)
   if Module.is_tensor(given) then
      error("gradcheck: what f is called with is one list, gradcheck(f, { x, w }); the third argument is a table of options", 2)
   end
   local o = GRADCHECK:read(given)
   if not is_callable(f) then
      error(("gradcheck: expected a function of tensors, found %s"):format(console.brief(f)), 2)
   end
   local done, wrong = pcall(checked, f, inputs, o)
   if not done then error(wrong, type(wrong) == "string" and wrong:find "^gradcheck: " and 2 or 0) end
   if not wrong then return true end
   if not o.raise then return false, wrong end
   error(wrong, 2)
end

return GRADCHECK:describes(gradcheck)
