-- Cases of running_update. Its golden numbers are those of batch_norm, which calls it.
local list = {}

local function add(name, channels, attrs)
   local shape = { channels }
   list[#list + 1] = { op = "running_update", name = name, attrs = attrs, grad = {}, golden = false, half = false,
      inputs = { running_mean = { shape = shape }, running_var = { shape = shape, scale = 0.5, shift = 1 },
         batch_mean = { shape = shape, scale = 3 }, batch_var = { shape = shape, scale = 0.5, shift = 2 } } }
end

add("a batch of four", 6, { unbias = 4 / 3 })
add("many channels", 2048, { momentum = 0.01, unbias = 1.001 })
add("momentum 1", 5, { momentum = 1 })

list.bad = {
   { op = "running_update", inputs = { running_mean = { shape = { 2 } }, running_var = { shape = { 2 } },
      batch_mean = { shape = { 3 } }, batch_var = { shape = { 2 } } },
      message = "'batch_mean': expected f32 %(2%) as running_mean, found f32 %(3%)" },
}
return list
