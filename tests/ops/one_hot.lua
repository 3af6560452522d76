-- Cases of one_hot.
local list = {}

local function add(name, shape, high, attrs)
   list[#list + 1] = { op = "one_hot", name = name, attrs = attrs, half = false, -- the dtype is asked for
      inputs = { x = { shape = shape, dtype = "i64", low = 1, high = high } } }
end

add("labels", { 7 }, 4, { classes = 5 })
add("as many as there are", { 9 }, 4, {})
add("a scalar", {}, 1, { classes = 3 })
add("matrix", { 3, 4 }, 6, { classes = 6, dtype = "f32" })
add("to rank 4", { 2, 3, 4 }, 5, { classes = 5, dtype = "f32" })
add("pictures", { 2, 3, 2, 3 }, 3, { classes = 4, dtype = "u8" })
add("many classes", { 40 }, 1000, { classes = 1000, dtype = "bf16" })

local function bad(x, attrs, message)
   return { op = "one_hot", inputs = { x = x }, attrs = attrs, message = message }
end

local labels = { shape = { 3 }, dtype = "i64", low = 4, high = 4 }
list.bad = {
   bad(labels, { classes = 3 }, "one_hot: argument 'x': expected classes from 1 to 3, found 4 at position 1"),
   bad({ shape = { 3 }, dtype = "i64", low = 0, high = 0 }, {}, "found 0 at position 1"),
   bad(labels, { classes = -1 }, "expected at least 1, found %-1"),
   bad({ shape = { 3 } }, {}, "expected i64, found f32"),
   bad(labels, { dtype = "f8" }, "expected a dtype"),
   bad({ shape = { 1, 1, 1, 1, 1, 1, 1, 1 }, dtype = "i64", low = 1, high = 1 }, {}, "the most there can be"),
}
return list
