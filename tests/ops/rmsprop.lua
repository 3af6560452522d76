-- Cases of rmsprop_step.
local list = {}
local shapes = { { 4, 3 }, { 5 }, { 2, 3, 2, 2 } }

local function tensors(more)
   local specs = {}
   for i, shape in ipairs(shapes) do
      specs[i] = { shape = shape }
      for key, value in pairs(more or {}) do specs[i][key] = value end
   end
   return specs
end

local function add(name, attrs, more)
   local inputs = { params = tensors(), grads = tensors(), square_avg = tensors { scale = 0.4, shift = 1.5 } }
   for key, value in pairs(more or {}) do inputs[key] = value end
   list[#list + 1] = { op = "rmsprop_step", name = name, attrs = attrs, grad = {}, half = false, inputs = inputs }
end

add("plain", { lr = 0.01 })
add("decay, other constants", { lr = 0.01, alpha = 0.9, eps = 1e-3, weight_decay = 0.1 })
add("momentum", { lr = 0.01, momentum = 0.9, weight_decay = 0.1 }, { momenta = tensors() })
add("centered", { lr = 0.01 }, { grad_avg = tensors { scale = 0.3 } })
add("centered with momentum", { lr = 0.01, momentum = 0.5, alpha = 0.95 },
   { momenta = tensors(), grad_avg = tensors { scale = 0.3 } })
local long = { { shape = { 3, 20001 } } }
list[#list + 1] = { op = "rmsprop_step", name = "several blocks", attrs = { lr = 0.1 }, grad = {}, half = false,
   inputs = { params = long, grads = long, square_avg = { { shape = { 3, 20001 }, scale = 0.4, shift = 0.5 } } } }

local p = { { shape = { 2 } } }
list.bad = {
   { op = "rmsprop_step", inputs = { params = p, grads = p, square_avg = p }, attrs = { lr = 1, momentum = 0.9 },
      message = "'momenta': expected one buffer" },
   { op = "rmsprop_step", inputs = { params = p, grads = p, square_avg = p }, attrs = { lr = 1, alpha = 2 },
      message = "'alpha': expected 0 to 1" },
   { op = "rmsprop_step", inputs = { params = p, grads = p }, attrs = { lr = 1 }, message = "'square_avg' is missing" },
}
return list
