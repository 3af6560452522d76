-- Cases of to and to_device. All numbers are exact in float32, so that conversion keeps them.
local list = {
   { op = "to", name = "f32 as it is", inputs = { x = { shape = { 2, 3, 4, 5 } } }, attrs = { dtype = "f32" }, half = false,
      numeric = false },
   { op = "to", name = "f32 to f64", inputs = { x = { shape = { 17 } } }, attrs = { dtype = "f64" }, half = false },
   { op = "to", name = "many", inputs = { x = { shape = { 3, 20001 } } }, attrs = { dtype = "f64" }, half = false,
      numeric = false },
   { op = "to", name = "from i64", inputs = { x = { shape = { 9 }, dtype = "i64", low = -9, high = 9 } },
      attrs = { dtype = "f64" }, half = false },
   { op = "to", name = "from u8", inputs = { x = { shape = { 9 }, dtype = "u8", low = 0, high = 255 } },
      attrs = { dtype = "f64" }, half = false },
   { op = "to_device", name = "to ref", inputs = { x = { shape = { 2, 3, 4, 5 } } }, attrs = { device = "ref" } },
   { op = "to_device", name = "to cpu", inputs = { x = { shape = { 2, 3, 4, 5 } } }, attrs = { device = "cpu" } },
}

list.bad = {
   { op = "to", inputs = { x = { shape = { 2 } } }, attrs = { dtype = "f33" }, message = "expected a dtype" },
   { op = "to_device", inputs = { x = { shape = { 2 } } }, attrs = { device = "moon" }, message = "moon" },
}
return list
