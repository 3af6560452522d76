-- Cases of normalize and cosine_similarity.
local list = {}

local function add(name, shape, attrs, more)
   local case = { op = "normalize", name = name, inputs = { x = { shape = shape } }, attrs = attrs }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

add("embeddings", { 5, 37 })
add("a vector", { 33 }, { dim = 1 })
add("one number each, some shorter than eps", { 9, 1 }, { eps = 0.5 })
add("more than one block", { 3, 1025 })
add("the first dimension", { 7, 70 }, { dim = 1 })
add("maps, by channels", { 2, 31, 3, 2 })
add("maps, by photos", { 3, 16, 2, 3 }, { dim = 1 })
add("maps, along rows", { 2, 5, 3, 33 }, { dim = -1 })
add("maps, along columns", { 2, 8, 5, 3 }, { dim = 3 })
add("eight dimensions", { 2, 1, 3, 2, 1, 2, 2, 1 }, { dim = 4 })
for _, p in ipairs { 1, 3, 1.5, 0.5, math.huge } do
   add(("p = %g"):format(p), { 4, 19 }, { p = p })
   add(("p = %g, elements apart"):format(p), { 3, 5, 66 }, { p = p })
end
add("shorter than eps", { 3, 20 }, { eps = 10 })
add("eps between their lengths", { 6, 4 }, { eps = 1.2 })
add("many", { 700, 64 }, nil, { numeric = false })
-- Their powers leave the range of float32.
for _, p in ipairs { 2, 3 } do
   list[#list + 1] = { op = "normalize", name = ("huge, p = %g"):format(p),
      inputs = { x = { shape = { 2, 9 }, scale = 1e30 } }, attrs = { p = p }, numeric = false, half = false }
end

local function pair(name, x1, x2, attrs)
   list[#list + 1] = { op = "cosine_similarity", name = name, inputs = { x1 = { shape = x1 }, x2 = { shape = x2 } },
      attrs = attrs }
end

pair("embeddings", { 5, 37 }, { 5, 37 })
pair("vectors", { 33 }, { 33 }, { dim = 1 })
pair("each with one", { 4, 19 }, { 1, 19 }, { dim = -1 })
pair("each with a vector", { 4, 19 }, { 19 })
pair("each with each", { 4, 1, 9 }, { 3, 9 }, { dim = 3 })
pair("maps, by channels", { 2, 5, 3, 2 }, { 2, 5, 1, 2 })
pair("more than one block", { 2, 1025 }, { 2, 1025 }, { eps = 1e-3 })

list.bad = {
   { op = "cosine_similarity", args = { { shape = { 2, 3 } }, { shape = { 2, 4 } } }, message = "do not broadcast" },
   { op = "cosine_similarity", args = { { shape = { 2, 3 } }, { shape = { 2, 1 } } }, message = "vectors of one size along" },
   { op = "cosine_similarity", args = { { shape = { 3 } }, { shape = { 2, 3 } } }, attrs = { dim = 1 },
      message = "'dim': it is one of x1" },
   { op = "cosine_similarity", args = { { shape = {} }, { shape = { 2, 3 } } }, message = "'x1': expected at least 1 dim" },
   { op = "cosine_similarity", args = { { shape = { 2, 3 } } }, message = "argument 'x2' is missing" },
   { op = "cosine_similarity", args = { { shape = { 2, 3 } }, { shape = { 2, 3 } } }, attrs = { eps = -1 },
      message = "'eps': expected a number of at least 0" },
   { op = "normalize", inputs = { x = { shape = { 2, 3 } } }, attrs = { p = 0 }, message = "'p': expected a number above 0" },
   { op = "normalize", inputs = { x = { shape = { 2, 3 } } }, attrs = { eps = -1 }, message = "'eps': expected a number" },
   { op = "normalize", inputs = { x = { shape = { 2, 3 } } }, attrs = { dim = 3 }, message = "'dim': expected a dim" },
   { op = "normalize", inputs = { x = { shape = {} } }, message = "'x': expected at least 1 dimension, found a scalar" },
   { op = "normalize", inputs = { x = { shape = { 3, 2 }, dtype = "i64", low = 1, high = 2 } }, message = "floating" },
}

return list
