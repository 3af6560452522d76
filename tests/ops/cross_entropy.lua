-- Cases of cross_entropy.
local list = {}

local function classes(n, count)
   return { shape = { n }, dtype = "i64", low = 1, high = count }
end

local function add(name, n, count, targets, attrs, more)
   local case = { op = "cross_entropy", name = name, attrs = attrs,
      inputs = { logits = { shape = { n, count }, scale = 4 }, targets = targets } }
   for key, value in pairs(more or {}) do case[key] = value end
   list[#list + 1] = case
end

for _, reduction in ipairs { "mean", "sum", "none" } do
   add("classes, " .. reduction, 6, 5, classes(6, 5), { reduction = reduction })
   add("classes, smoothed, " .. reduction, 6, 5, classes(6, 5), { reduction = reduction, label_smoothing = 0.1 })
   local mixed = { shape = { 6, 5 }, scale = 0.5, shift = 0.5 }
   add("probabilities, " .. reduction, 6, 5, mixed, { reduction = reduction })
   add("probabilities, smoothed, " .. reduction, 6, 5, mixed, { reduction = reduction, label_smoothing = 0.2 })
end
add("only the logits learn", 4, 3, { shape = { 4, 3 }, scale = 0.5, shift = 0.5 }, {}, { grad = { "logits" } })
add("one class", 3, 1, classes(3, 1), { reduction = "sum", label_smoothing = 0.1 }, { each = true })
add("fully smoothed", 3, 4, classes(3, 4), { label_smoothing = 1 })
add("many classes", 5, 1000, classes(5, 1000), { label_smoothing = 0.1 }, { numeric = false })
list[#list + 1] = { op = "cross_entropy", name = "sure of itself", attrs = { reduction = "none" }, half = false,
   inputs = { logits = { shape = { 5, 4 }, scale = 500 }, targets = classes(5, 4) } }

local logits = { shape = { 3, 4 } }
list.bad = {
   { op = "cross_entropy", inputs = { logits = logits, targets = { shape = { 3 }, dtype = "i64", low = 5, high = 5 } },
      message = "argument 'targets': expected classes from 1 to 4, found 5 at position 1" },
   { op = "cross_entropy", inputs = { logits = logits, targets = { shape = { 3 }, dtype = "i64", low = 0, high = 0 } },
      message = "expected classes from 1 to 4, found 0 at position 1" },
   { op = "cross_entropy", inputs = { logits = logits, targets = classes(2, 4) }, message = "expected shape %(3%)" },
   { op = "cross_entropy", inputs = { logits = logits, targets = { shape = { 3, 5 } } },
      message = "expected probabilities of shape %(3, 4%), found %(3, 5%)" },
   { op = "cross_entropy", inputs = { logits = logits, targets = { shape = { 3 }, dtype = "u8", low = 1, high = 4 } },
      message = "expected i64, found u8" },
   { op = "cross_entropy", inputs = { logits = { shape = { 3 } }, targets = classes(3, 4) },
      message = "expected 2 dimensions" },
   { op = "cross_entropy", inputs = { logits = logits, targets = classes(3, 4) }, attrs = { label_smoothing = 2 },
      message = "'label_smoothing': expected 0 to 1, found 2" },
   { op = "cross_entropy", inputs = { logits = logits, targets = classes(3, 4) }, attrs = { reduction = "max" },
      message = "expected one of mean|sum|none, found 'max'" },
}
return list
