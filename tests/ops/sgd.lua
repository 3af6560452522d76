-- Cases of sgd_step.
local list = {}
local shapes = { { 4, 3 }, { 5 }, { 2, 3, 2, 2 } }

local function tensors()
   local specs = {}
   for i, shape in ipairs(shapes) do specs[i] = { shape = shape } end
   return specs
end

local function add(name, attrs, more)
   local case = { op = "sgd_step", name = name, attrs = attrs, grad = {}, half = false,
      inputs = { params = tensors(), grads = tensors(), momenta = attrs.momentum and tensors() } }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

add("plain", { lr = 0.1 })
add("weight decay", { lr = 0.1, weight_decay = 0.01 })
add("momentum, first step", { lr = 0.1, momentum = 0.9, dampening = 0.3, weight_decay = 0.01, first = true })
add("momentum, later step", { lr = 0.1, momentum = 0.9, dampening = 0.3, weight_decay = 0.01 })
add("nesterov, first step", { lr = 0.1, momentum = 0.9, nesterov = true, weight_decay = 0.01, first = true })
add("nesterov, later step", { lr = 0.1, momentum = 0.9, nesterov = true })
list[#list + 1] = { op = "sgd_step", name = "several blocks", attrs = { lr = 0.1, momentum = 0.9 }, grad = {}, half = false,
   inputs = { params = { { shape = { 3, 20001 } } }, grads = { { shape = { 3, 20001 } } },
      momenta = { { shape = { 3, 20001 } } } } }

local p, q = { { shape = { 2 } } }, { { shape = { 3 } } }
list.bad = {
   { op = "sgd_step", inputs = { params = p, grads = q }, attrs = { lr = 1 },
      message = "'grads': number 1: expected shape %(2%), found %(3%)" },
   { op = "sgd_step", inputs = { params = p, grads = { p[1], p[1] } }, attrs = { lr = 1 },
      message = "'grads': expected 1 tensors, one for each parameter, found 2" },
   { op = "sgd_step", inputs = { params = p, grads = p }, attrs = { lr = 1, momentum = 0.9 },
      message = "'momenta': expected one buffer" },
   { op = "sgd_step", inputs = { params = p, grads = p }, message = "'lr' is missing" },
   { op = "sgd_step", inputs = { params = p, grads = p }, attrs = { lr = 1, nesterov = true },
      message = "needs a positive momentum" },
   { op = "sgd_step", inputs = { params = { { shape = { 2 }, dtype = "f16" } }, grads = { { shape = { 2 }, dtype = "f16" } } },
      attrs = { lr = 1 }, message = "expected f32, found f16" },
}
return list
