-- Cases of unscale_ and scale_update_, and of steps with found_inf (where it is not 0: tests/lua/scaler_spec.lua).
local list = {}
local several = { { shape = { 4, 3 } }, { shape = { 5 } }, { shape = { 2, 3, 2, 2 } }, { shape = {} } }
local long = { { shape = { 3, 20001 } }, { shape = { 16384 } } }

local function number(value)
   return { shape = {}, low = value, high = value }
end

for name, grads in pairs { ["several"] = several, ["several blocks"] = long } do
   list[#list + 1] = { op = "unscale_", name = name, grad = {}, half = false,
      inputs = { grads = grads, scale = number(1024), found_inf = number(1) } }
end

local function update(name, scale, good, found, attrs)
   list[#list + 1] = { op = "scale_update_", name = name, grad = {}, half = false, attrs = attrs,
      inputs = { scale = number(scale), good_steps = number(good), skipped = number(3), found_inf = number(found) } }
end

update("good step", 65536, 5, 0)
update("the scale grows", 65536, 1999, 0)
update("overflow", 65536, 1999, 1)
update("other factors", 100, 9, 0, { growth = 1.5, interval = 10 })
update("other backoff", 100, 9, 1, { backoff = 0.25 })

local p = { { shape = { 2 } } }
list.bad = {
   { op = "unscale_", inputs = { grads = p, scale = { shape = { 2 } }, found_inf = number(0) },
      message = "'scale': expected one number in f32, found shape %(2%) in f32" },
   { op = "unscale_", inputs = { grads = p, scale = number(1), found_inf = { shape = {}, dtype = "f64" } },
      message = "'found_inf': expected one number in f32, found shape %(%) in f64" },
   { op = "scale_update_", inputs = { scale = number(1), good_steps = number(1), skipped = number(0), found_inf = number(0) },
      attrs = { interval = 0 }, message = "'interval': expected at least 1" },
   { op = "sgd_step", inputs = { params = p, grads = p, found_inf = { shape = { 2 } } }, attrs = { lr = 1 },
      message = "sgd_step: argument 'found_inf': expected one number" },
}
return list
