-- Cases of list_convert. ref converts as C does, which leaves PyTorch nothing to say.
local several = { { shape = { 4, 3 } }, { shape = { 5 } }, { shape = { 2, 3, 2, 2 } }, { shape = {} } }
local long = { { shape = { 3, 20001 } }, { shape = { 16384 } } }

-- The same tensors in another dtype.
local function as(dtype, tensors)
   local list = {}
   for i, tensor in ipairs(tensors) do list[i] = { shape = tensor.shape, dtype = dtype } end
   return list
end

local list = {}
for _, pair in ipairs { { "f16", "f32" }, { "bf16", "f32" }, { "f32", "bf16" }, { "f32", "f16" }, { "f32", "f64" } } do
   for kind, tensors in pairs { [""] = several, [", several blocks"] = long } do
      list[#list + 1] = { op = "list_convert", name = ("%s to %s%s"):format(pair[2], pair[1], kind), grad = {}, half = false,
         golden = false, inputs = { tensors = as(pair[1], tensors), values = as(pair[2], tensors) } }
   end
end

local p, q = { { shape = { 2 } } }, { { shape = { 3 } } }
list.bad = {
   { op = "list_convert", inputs = { tensors = p, values = q },
      message = "'values': number 1: expected shape %(2%), found %(3%)" },
   { op = "list_convert", inputs = { tensors = { p[1], q[1] }, values = p },
      message = "'values': expected 2 tensors, found 1" },
   { op = "list_convert", inputs = { tensors = p, values = as("i64", p) },
      message = "expected floating point, found i64" },
   { op = "list_convert", inputs = { tensors = { p[1], as("f16", p)[1] }, values = { p[1], p[1] } },
      message = "'tensors': number 2: expected f32, found f16" },
}
return list
