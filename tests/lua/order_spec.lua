-- What case tables cannot say of sort, argsort, topk and median: NaN, infinities, -0, what equal numbers do, large numbers.
local scute = require "scute"

local NAN, INF = 0 / 0, math.huge
local DEVICES = { "cpu", "ref" }

local function text(t)
   local parts = {}
   for i, value in ipairs(t:values()) do
      parts[i] = value ~= value and "nan" or value == INF and "inf" or value == -INF and "-inf"
         or (1 / value == -INF and "-0" or ("%.14g"):format(value))
   end
   return table.concat(parts, " ")
end

local function same(expected, ...)
   local found = {}
   for i, t in ipairs { ... } do found[i] = text(t) end
   assert.equal(expected, table.concat(found, " | "))
end

-- In each dtype, on each device that has a kernel of its own.
local function each(values, dtypes, f)
   for _, device in ipairs(DEVICES) do
      for _, dtype in ipairs(dtypes) do f(scute.tensor(values, { device = device, dtype = dtype })) end
   end
end

local FLOATS = { "f32", "f64", "f16", "bf16" }

describe("sort", function()
   it("puts NaN last, keeps equal numbers in their order, and -0 equals 0", function()
      each({ 2, NAN, 0, -INF, -0.0, 2, INF, NAN, -1 }, FLOATS, function(x)
         same("-inf -1 0 -0 2 2 inf nan nan | 4 9 3 5 1 6 7 2 8", x:sort())
         same("nan nan inf 2 2 0 -0 -1 -inf | 2 8 7 1 6 3 5 9 4", x:sort { descending = true })
         same("4 9 3 5 1 6 7 2 8", x:argsort())
         same("4 9 3 5 1 6 7 2 8", x:argsort { stable = true })
         same("-inf -1 0 -0 2 2 inf nan nan | 4 9 3 5 1 6 7 2 8", x:sort { stable = false })
         same("2 8 7 1 6 3 5 9 4", x:argsort(1, true))
      end)
   end)

   it("keeps all digits of whole numbers", function()
      local big = math.maxinteger
      each({ big, math.mininteger, big - 1, 0, -1 }, { "i64" }, function(x)
         local sorted, indices = x:sort()
         assert.same({ math.mininteger, -1, 0, big - 1, big }, sorted:values())
         same("2 5 4 3 1", indices)
         assert.same({ big, big - 1 }, (x:topk(2)):values())
         assert.same({ 0 }, (x:median()):reshape(1):values())
      end)
   end)

   it("is stable in rows of every length", function()
      for _, n in ipairs { 2, 48, 49, 3000 } do
         local x = scute.zeros(n)
         for _, device in ipairs(DEVICES) do
            for _, down in ipairs { true, false } do
               assert.same(scute.arange(1, n):values(), x:to(device):argsort { descending = down }:to("f32"):values())
            end
         end
      end
   end)

   it("lets what is sorted be indexed by where it stood", function()
      local x = scute.randn(20)
      local sorted, indices = x:sort()
      assert.same(sorted:values(), x:index_select(1, indices):values())
   end)
end)

describe("topk", function()
   it("takes NaN for the largest, and of equal numbers the first", function()
      each({ 1, NAN, 3, 3, INF, 3 }, FLOATS, function(x)
         same("nan inf 3 | 2 5 3", x:topk(3))
         same("1 3 3 3 | 1 3 4 6", x:topk(4, { largest = false }))
         same("nan inf 3 3 | 2 5 3 4", x:topk { k = 4, sorted = false })
      end)
   end)

   it("gives its gradient to where the numbers stood", function()
      for _, device in ipairs(DEVICES) do
         local x = scute.tensor({ 1, 5, 2, 4 }, { device = device, requires_grad = true })
         local best, indices = x:topk(2)
         assert.is_false(indices.requires_grad)
         best:backward(scute.tensor({ 10, 20 }, { device = device }))
         same("0 10 0 20", x.grad)
      end
   end)
end)

describe("unique", function()
   it("takes 0 and -0 for one, and each NaN for its own", function()
      each({ 3, NAN, 0, -0.0, INF, NAN, -INF, 3 }, FLOATS, function(x)
         same("-inf 0 3 inf nan nan | 3 5 2 2 4 6 1 3 | 1 2 2 1 1 1", x:unique(true, true))
         same("-inf 0 3 inf nan nan | 1 2 2 1 1 1", x:unique { return_counts = true })
      end)
   end)

   it("says that shapes alone do not tell how many there are", function()
      local x = scute.zeros(3, { device = "shape" })
      local ok, message = pcall(x.unique, x)
      assert.is_false(ok)
      assert.matches("unique: the result depends on the values of 'x', which has none on the device 'shape'", message, 1, true)
   end)
end)

describe("median", function()
   it("is the lower of two, and NaN where there is one", function()
      each({ { 4, 1, 3, 2 }, { 1, NAN, 0, NAN }, { 0, -0.0, INF, -INF } }, FLOATS, function(x)
         same("2 nan 0 | 4 2 1", x:median(2))
         same("nan", x:median():reshape(1))
         same("1 nan 3 nan | 2 2 1 2", x:median(1))
      end)
   end)

   it("gives its gradient to one of equal numbers", function()
      for _, device in ipairs(DEVICES) do
         local x = scute.tensor({ 7, 2, 2, 2, 1 }, { device = device, requires_grad = true })
         x:median():backward()
         same("0 0 1 0 0", x.grad)
         local value, index = x:median(1)
         same("2 | 3", value:reshape(1), index:reshape(1))
      end
   end)
end)

describe("what gives several tensors", function()
   it("says so in its declaration, as many as there are", function()
      local x = scute.ones(3)
      for op, arguments in pairs { sort = {}, topk = { 2 }, median = { 1 }, unique = { true, true } } do
         local results = scute.op_info(op).results
         assert.equal(#results, select("#", scute[op](x, table.unpack(arguments))), op)
         assert.equal(op == "sort" or op == "topk", not results[2].optional, op)
      end
      local median = scute.op_info("median").results
      assert.same({ { name = "value", optional = false }, { name = "index", optional = true } }, median)
      assert.same({}, scute.op_info("argsort").results)
   end)

   it("says so in its help", function()
      local help = require("scute.repl.help").text
      assert.matches("scute.sort(x, dim = nil, descending = false, stable = true) -> values, indices\n", help "sort", 1, true)
      assert.matches("-> values[, inverse][, counts]\n", help "unique", 1, true)
   end)
end)
