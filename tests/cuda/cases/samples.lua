-- More samples than a GPU has blocks at once, which stride over them (kernels/cuda/cross_entropy.cu).
local list = {}
for _, reduction in ipairs { "mean", "none" } do
   list[#list + 1] = { op = "cross_entropy", name = "many samples, " .. reduction, attrs = { reduction = reduction },
      numeric = false, inputs = { logits = { shape = { 500, 3 }, scale = 4 },
         targets = { shape = { 500 }, dtype = "i64", low = 1, high = 3 } } }
end

return list
