-- Cases of adamw_step, decoupled (AdamW) and not (Adam).
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

local function add(name, attrs)
   list[#list + 1] = { op = "adamw_step", name = name, attrs = attrs, grad = {}, half = false,
      inputs = { params = tensors(), grads = tensors(), exp_avg = tensors(),
         exp_avg_sq = tensors { scale = 0.4, shift = 0.5 } } }
end

add("AdamW", { lr = 0.01, step = 3, weight_decay = 0.1 })
add("AdamW without decay", { lr = 0.01, step = 1 })
add("AdamW, other betas", { lr = 0.01, beta1 = 0.8, beta2 = 0.95, eps = 1e-3, step = 100, weight_decay = 0.1 })
add("Adam", { lr = 0.01, step = 3, weight_decay = 0.1, decoupled = false })
add("Adam without decay", { lr = 0.01, step = 2, decoupled = false })
list[#list + 1] = { op = "adamw_step", name = "first step from zeros", attrs = { lr = 0.01, step = 1 }, grad = {}, half = false,
   inputs = { params = tensors(), grads = tensors(), exp_avg = tensors { scale = 0 }, exp_avg_sq = tensors { scale = 0 } } }

local p = { { shape = { 2 } } }
local function bad(attrs, message)
   return { op = "adamw_step", inputs = { params = p, grads = p, exp_avg = p, exp_avg_sq = p }, attrs = attrs,
      message = message }
end
list.bad = {
   bad({ lr = 1, step = 0 }, "'step': expected at least 1, found 0"),
   bad({ lr = 1, step = 1, beta1 = 1 }, "'beta1': expected at least 0 and less than 1"),
   bad({ lr = 1, step = 1, beta2 = -1 }, "'beta2': expected at least 0"),
   bad({ lr = 1 }, "'step' is missing"),
   { op = "adamw_step", inputs = { params = p, grads = p, exp_avg = p }, attrs = { lr = 1, step = 1 },
      message = "'exp_avg_sq' is missing" },
}
return list
