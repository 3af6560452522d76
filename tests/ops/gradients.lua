-- Cases of list_norm, list_scale, list_clip, list_clamp and average_step.
local list = {}
local several = { { shape = { 4, 3 } }, { shape = { 5 } }, { shape = { 2, 3, 2, 2 } }, { shape = {} } }
local long = { { shape = { 3, 20001 } }, { shape = { 16384 } } }

-- second: true for a list of the same shapes, or a norm
local function add(op, name, attrs, second)
   for kind, tensors in pairs { [""] = several, [", several blocks"] = long } do
      local inputs = second == true and { averages = tensors, values = tensors } or { tensors = tensors }
      if type(second) == "number" then inputs.norm = { shape = {}, low = second, high = second } end
      list[#list + 1] = { op = op, name = name .. kind, attrs = attrs, inputs = inputs, grad = {}, half = false }
   end
end

add("list_norm", "norm")
add("list_scale", "scale", { factor = -0.3 })
add("list_clip", "clip", { limit = 0.7 }, 3)
add("list_clamp", "clamp", { limit = 0.25 })
add("list_clamp", "clamp to zero", { limit = 0 })
add("average_step", "average", { decay = 0.9 }, true)
add("average_step", "average that is replaced", { decay = 0 }, true)

local p, q = { { shape = { 2 } } }, { { shape = { 3 } } }
list.bad = {
   { op = "list_clip", inputs = { tensors = p, norm = { shape = {} } }, attrs = { limit = -1 },
      message = "'limit': expected at least 0" },
   { op = "list_clip", inputs = { tensors = p, norm = { shape = { 2 } } }, attrs = { limit = 1 },
      message = "'norm': expected one number" },
   { op = "list_clamp", inputs = { tensors = p }, attrs = { limit = -1 }, message = "'limit': expected at least 0" },
   { op = "average_step", inputs = { averages = p, values = q }, attrs = { decay = 0.9 }, message = "expected shape %(2%)" },
   { op = "average_step", inputs = { averages = p, values = p }, attrs = { decay = 2 }, message = "'decay': expected 0 to 1" },
   { op = "list_norm", inputs = { tensors = { { shape = { 2 }, dtype = "i64", low = 0, high = 3 } } },
      message = "list_norm: " },
}
return list
