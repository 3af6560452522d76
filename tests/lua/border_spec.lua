-- The border between Lua and C, met by tables that answer through metamethods, by sizes that no memory holds, and by
-- finalizers that take away what C was just given. `make asan` runs this file under the address sanitizer.
local scute = require "scute"

-- A table that looks like a list to #t and t[i], which C must not ask.
local function pretended(length, entry)
   return setmetatable({}, { __len = function() return length end, __index = function(_, i) return entry(i) end })
end

-- A table of named arguments that does something when it is asked for one that it does not have.
local function treacherous(named, act)
   return setmetatable(named, { __index = function(_, name) act(name) end })
end

-- A list of so many levels, each with `length` entries that are all the same: length ^ levels numbers in little memory.
local function shared(length, levels)
   local list = 1
   for _ = 1, levels do
      local level = {}
      for i = 1, length do level[i] = list end
      list = level
   end
   return list
end

-- A list that ends, as # finds it, at the largest whole number.
local function endless(entry)
   local list = { [math.maxinteger] = entry }
   for i = 0, 62 do
      list[1 << i] = entry
      list[(1 << i) + 1] = entry
   end
   assert(#list == math.maxinteger)
   return list
end

-- Calls f where `room` bytes are left for tensors, and the collection that this leads to calls `act` first.
local function starved(room, act, f)
   collectgarbage()
   scute.flush()
   collectgarbage "stop" -- nothing goes before it is asked for
   setmetatable({}, { __gc = act })
   scute.memory_limit(scute.memory().live + room)
   local results = table.pack(pcall(f))
   scute.memory_limit(0)
   collectgarbage "restart"
   if not results[1] then error(results[2], 0) end
   return table.unpack(results, 2, results.n)
end

-- Calls f while Lua looks for garbage at every occasion.
local function restless(f)
   collectgarbage("incremental", 1, 1000, 10)
   collectgarbage() -- what is set holds from the next cycle on
   local ok, err = pcall(f)
   collectgarbage("incremental", 200, 100, 13) -- Lua's own
   if not ok then error(err, 0) end
end

local function picture(width, height)
   local path = os.tmpname()
   scute.canvas(width, height):save(path .. ".png")
   local image = scute.image.load(path .. ".png")
   os.remove(path)
   os.remove(path .. ".png")
   return image
end

local SAVED = os.tmpname() -- is written, and removed at the end
local PREPROCESS = { resize = 8, crop = 8 }
local HUGE = math.maxinteger // 4 + 2 -- times 8 bytes, and one: little, where the product overflows

describe("tables are read raw", function()
   it("where they are lists of tensors", function()
      local made
      local list = pretended(2, function()
         if made then made:free() end
         made = scute.ones(1000)
         return made
      end)
      assert.error_matches(function() scute.concat(list, 1) end, "concat: argument 'tensors': expected at least one tensor")
      assert.equal(scute.checksum {}, scute.checksum(pretended(2.5, function() return "x" end)))
      assert.same({ 2 }, scute.concat(setmetatable({ scute.ones(1), scute.ones(1) }, { __index = {} }), 1).shape)
   end)

   it("where they are lists of numbers", function()
      local function one() return 1 end
      local x = scute.ones(2, 2)
      assert.same({}, scute.zeros(pretended(2, one)).shape)
      assert.equal(x, x[pretended(2, one)])
      assert.same({ 2, 2 }, x[{ pretended(-3, one) }].shape)
      assert.error_matches(function() x:reshape(pretended(1 << 33, one)) end, "reshape")
      assert.error_matches(function() scute.tensor(pretended(2.5, one)) end, "tensor: the table is empty")
      assert.error_matches(function() scute.tensor { { 1 }, pretended(1, one) } end, "tensor: rows differ in length")
      assert.error_matches(function() scute.rng_state(pretended(2, one)) end, "number expected")
      assert.is_nil(scute.nearest("abc", pretended(1, function() return "abc" end)))
   end)

   it("where they are named arguments", function()
      local x, w = scute.ones(1, 3, 8, 8), scute.ones(4, 3, 3, 3)
      local y = scute.conv2d(x, w, treacherous({ padding = 1 }, function(name)
         if name == "stride" then w:free() end
      end))
      assert.same({ 1, 4, 8, 8 }, y.shape)
      assert.same({ 4, 3, 3, 3 }, w.shape)
      local function never(name) error("asked for " .. name) end
      assert.equal("f64", x:to(treacherous({ dtype = "f64" }, never)).dtype)
      assert.equal(1, x:sum():requires_grad_():backward(treacherous({}, never)) or 1)
   end)

   it("where they are options of pictures", function()
      local canvas, image = scute.canvas(10, 10), picture(9, 6)
      local function free()
         canvas:free()
         image:free()
      end
      assert.is_string(canvas:encode("png", treacherous({}, free)))
      canvas:image(image, 0, 0, 5, 5, treacherous({}, free))
      canvas:polyline({ 1, 1, 2, 2 }, treacherous({ dash = pretended(2, free) }, free))
      assert.equal(12, image:resize(treacherous({ size = 8 }, free)).width)
      assert.same({ 1, 3, 4, 4 }, image:preprocess(treacherous({ resize = 4, crop = 4 }, free)).shape)
      assert.equal(4, image:augment(treacherous({ horizontal_flip = true }, free),
         treacherous({ preprocess = treacherous({ resize = 4, crop = 4 }, free), as = "image" }, free)).width)
      assert.is_string(scute.terminal_picture(image, treacherous({ as = "blocks" }, free)))
      assert.error_matches(function() canvas:polyline(pretended(2, free)) end, "found 0 numbers")
      assert.error_matches(function()
         image:preprocess { mean = pretended(3, free) }
      end, "option 'mean': expected three numbers")
   end)

   it("where they are lists of files and numbers", function()
      assert.error_matches(function()
         scute.loader { paths = pretended(HUGE, function() return "x.jpg" end), preprocess = PREPROCESS }
      end, "loader: expected at least one path, found none")
      assert.error_matches(function()
         scute.loader { paths = { "x.jpg" }, labels = pretended(HUGE, function() return 1 end), preprocess = PREPROCESS }
      end, "loader: option 'labels': expected 1, one a path, found 0")
      local path = os.tmpname()
      scute.weight_files.save(path, pretended(1, function() return "x" end), {}, {}, {})
      assert.same({}, scute.weight_files.load(path).names)
      os.remove(path)
   end)

   it("where they are a function's tensors", function()
      local x = scute.ones(100)
      local list = pretended(2, function(i)
         if i == 2 then x:free() end
         return x
      end)
      assert.equal(0, select("#", scute.record_function("f", print, { n = 0 }, list, list)))
      assert.error_matches(function() scute.record_function("f", print, list, {}, {}) end, "number expected")
   end)
end)

describe("sizes are checked before anything is filled", function()
   it("where the product of a table's lengths overflows", function()
      local list = shared(1 << 15, 2)
      local outer = {}
      for i = 1, 1 << 16 do outer[i] = list end
      list = {}
      for i = 1, 1 << 16 do list[i] = outer end -- 2^62 numbers, which in four bytes each are none
      assert.error_matches(function() scute.tensor(list) end, "too large")
      assert.error_matches(function() scute.tensor(shared(1 << 16, 4)) end, "too large")
   end)

   it("where a list has no end", function()
      local cases = {
         { scute.tensor, endless(1) }, { scute.nearest, "x", endless "y" }, { scute.concat, endless(scute.ones(1)), 1 },
         { scute.checksum, endless "x" }, { scute.zeros, endless(1) }, { scute.ones(2).reshape, scute.ones(2), endless(1) },
         { scute.canvas(9, 9).polyline, scute.canvas(9, 9), endless(1) },
         { scute.weight_files.save, SAVED, endless "x", endless(scute.ones(1)), {}, {} },
         { scute.weight_files.save, SAVED, {}, {}, endless "x", endless "x" },
         { scute.record_function, "f", print, { n = 0 }, endless(scute.ones(1)), {} },
         { scute.record_function, "f", print, { n = 0 }, {}, endless(scute.ones(1)) },
         { scute.loader, { paths = endless "x", preprocess = PREPROCESS } },
         { scute.loader, { paths = { "x" }, labels = endless(1), preprocess = PREPROCESS } },
         { scute.loader, { paths = { "x" }, order = endless(1), preprocess = PREPROCESS } },
      }
      for i, case in ipairs(cases) do
         assert.error_matches(function() case[1](table.unpack(case, 2)) end, "at most %d+ entries, found 9", nil, nil, i)
      end
      assert.error_matches(function() return scute.ones(2, 2)[endless(1)] end, "at most %d+ entries")
      assert.error_matches(function() return scute.ones(2, 2)[{ endless(1) }] end, "expected {from, to}, found 9")
   end)

   it("where they are numbers", function()
      local image = picture(8, 8)
      local nan, inf, least = 0 / 0, math.huge, math.mininteger
      local cases = {
         { scute.randperm, HUGE }, { scute.randperm, least }, { scute.zeros, 1 << 32, 1 << 32 }, { scute.zeros, least },
         { scute.randn, 1 << 62 }, { scute.full, { HUGE }, 1 }, { scute.arange, 1, inf }, { scute.arange, nan, 1 },
         { scute.arange, 1, 1e300 }, { scute.linspace, 0, 1, HUGE }, { scute.linspace, 0, inf, 2 }, { scute.eye, HUGE },
         { scute.eye, 1 << 32, 1 << 32 }, { scute.randint, 1, 2, HUGE }, { scute.randint, 1, 2, 1 << 62 },
         { scute.memory_limit, -1 }, { scute.memory_for_speed, -1 }, { scute.canvas, nan, 1 }, { scute.canvas, inf, 1 },
         { scute.record_function, "f", print, { n = -7 }, {}, {} },
         { scute.record_function, "f", print, { n = 1 << 40 }, {}, {} },
         { image.resize, image, { width = least, height = 1 } }, { image.crop, image, least },
         { image.rotate, image, nan }, { image.rotate, image, inf }, { image.jitter, image, { hue = nan } },
         { image.effect, image, "ShearX", nan }, { image.effect, image, "TranslateX", inf },
         { image.effect, image, "Posterize", nan }, { image.effect, image, "Solarize", inf },
         { image.preprocess, image, { mean = { inf, 0, 0 } } }, { image.preprocess, image, { std = { inf, 1, 1 } } },
         { image.augment, image, { random_erasing = { value = nan } } },
         { image.augment, image, { rotation = { degrees = { nan, inf } } } },
         { image.augment, image, { color_jitter = { brightness = { 0, inf } } } },
         { scute.loader, { paths = { "x" }, order = { least }, preprocess = PREPROCESS } },
         { scute.loader, { paths = { "x" }, labels = { least }, preprocess = PREPROCESS } },
      }
      for i, case in ipairs(cases) do
         assert.is_false(pcall(case[1], table.unpack(case, 2)), i)
      end
      assert.error_matches(function() return scute.ones(2)[least] end, "out of range")
      assert.error_matches(function() return scute.ones(2):size(least) end, "expected a dimension")
      assert.error_matches(function() return scute.ones(2):sum(least) end, "expected a dimension")
   end)
end)

describe("what C was given stays while it works", function()
   -- What the finalizer frees makes the second try succeed, with the values of a tensor that is no longer the script's.
   it("where an op is tried again", function()
      local x, other = scute.full({ 250000 }, 2), scute.ones(1000000)
      local y = starved(100000, function()
         x:free()
         other:free()
      end, function() return x:pow(2) end)
      assert.equal(4, y[250000])
      assert.error_matches(function() x:numel() end, "was freed")
   end)

   it("where a tensor in a list is taken out and freed", function()
      local list, other = { scute.ones(250000), scute.full({ 250000 }, 3) }, scute.ones(2000000)
      local y = starved(100000, function()
         for i = 1, 2 do
            list[i]:free()
            list[i] = nil
         end
         other:free()
         collectgarbage()
      end, function() return scute.concat(list, 1) end)
      assert.equal(3, y[500000])
   end)

   it("where a tensor is filled, copied, indexed or converted", function()
      for name, use in pairs {
         fill = function(x) x:fill_(3) end,
         copy = function(x, like) x:copy_(like) end,
         from = function(x, like) like:copy_(x) end,
         index = function(x) return x[{ { 1, 150000 } }] end,
         convert = function(x) return x:to "f64" end,
      } do
         local x, like, other = scute.ones(250000), scute.ones(250000), scute.ones(2000000)
         local shares = { x:detach(), like:detach() } -- so that writing wants memory
         starved(100000, function()
            x:free()
            other:free()
         end, function() use(x, like) end)
         assert.equal(1, shares[1][1], name)
      end
   end)

   it("where gradients are added up", function()
      local x, other = scute.ones(250000):requires_grad_(), scute.ones(2000000)
      local loss = x:sum()
      loss:backward { retain = true }
      starved(1500000, function()
         x:zero_grad()
         other:free()
      end, function() loss:backward() end)
      assert.equal(2, x.grad[1])
   end)

   it("where a loader is closed", function()
      local loader = scute.loader { paths = { "/nowhere.jpg" }, preprocess = PREPROCESS, workers = 0 }
      assert.error_matches(function()
         starved(1, function() loader:close() end, function() loader:next() end)
      end, "next: this loader is closed")
   end)

   it("where Lua makes texts of numbers", function()
      local list = {}
      for i = 1, 20000 do list[i] = i + 0.5 end
      restless(function() assert.equal("19999.5", scute.nearest("19999.5", list)) end)
   end)

   -- Finalizers run wherever Lua allocates; whether one does here is left open.
   it("whenever finalizers come", function()
      local image = picture(30, 20)
      local uses = {
         function(t) return t:add(1) end, function(t) return t.shape end, function(t) return t:totable() end,
         function(t) return t:values() end, function(t) return t:detach() end, function(t) return t.grad end,
         function(t) return t[{ 1, { 1, 2 } }] end, function(t) return t:later():get() end,
         function(t) return scute.concat({ t, t, t }, 1) end, function(t) return scute.checksum { t, "x", t } end,
         function(t) return scute.record_function("f", print, { t, n = 1 }, { t }, { t }) end,
         function(t) return scute.weight_files.save(SAVED, { "x", "y" }, { t, t }, { "a" }, { "b" }) end,
         function(t) return scute.loader { paths = { "x" }, labels = t, order = t, preprocess = PREPROCESS } end,
         function(_, c) return c:encode "png" end, function(_, c) return c:render() end,
         function(_, c) return c:measure("text", { bold = true }) end,
         function(_, c) return c:rect(1, 1, 2, 2, { color = "#ffffff", dash = { 1, 2 } }) end,
         function(_, c, i) return c:image(i, 0, 0, 5, 5, { alpha = 0.5 }) end,
         function(_, _, i) return i:resize { size = 8, filter = "bicubic" } end, function(_, _, i) return i:tensor() end,
         function(_, _, i) return i:augment({ rotation = 10 }, { preprocess = PREPROCESS }) end,
         function(_, _, i) return i:resized_crop { width = 3 } end, function(_, _, i) return i:flip() end,
         function(_, _, i) return scute.terminal_picture(i, { as = "blocks" }) end,
      }
      local function pester(use, dtype)
         local t, canvas, copy = scute.ones(2, 3, { dtype = dtype }), scute.canvas(9, 9), image:flip()
         setmetatable({}, { __gc = function()
            t:free()
            canvas:free()
            copy:free()
         end })
         pcall(use, t, canvas, copy)
      end
      restless(function()
         for round = 1, 20 do
            for _, use in ipairs(uses) do pester(use, round % 2 == 0 and "i64" or "f32") end
         end
      end)
   end)
end)

describe("memory that runs out is an error of a kind", function()
   local function starve()
      scute.memory_limit(1)
      finally(function() scute.memory_limit(0) end)
      scute.zeros(1e6)
   end

   it("which is asked for, not searched", function()
      local ok, err = pcall(starve)
      assert.is_false(ok)
      assert.equal("out of memory", scute.error_kind(err))
      assert.equal("out of memory", err.kind)
      assert.equal(err.message, tostring(err))
      assert.matches("^tests/lua/border_spec.lua:%d+: out of memory on cpu: %d+ bytes wanted", err.message)
      assert.equal("x: " .. err.message .. " y", "x: " .. err .. " y")
      assert.equal(err.message, ("%s"):format(err))
      assert.equal("out of memory", scute.error_kind "not enough memory") -- what Lua itself says
      for _, other in ipairs { "out of memory", { kind = "out of memory" }, 1, false, scute, "in x: not enough memory" } do
         assert.is_nil(scute.error_kind(other))
      end
      assert.is_nil(scute.error_kind(nil))
      assert.error_matches(function() scute.error_kind() end, "value expected")
   end)

   it("and no fault of the photo that was being read", function()
      local thumbnail, load = require "scute.base.thumbnail", scute.image.load
      local path = os.tmpname()
      scute.canvas(9, 9):render():save(path)
      scute.image.load = starve
      local ok, err = pcall(thumbnail, path)
      scute.image.load = load
      scute.memory_limit(0)
      assert.is_false(ok)
      assert.equal("out of memory", scute.error_kind(err))
      assert.equal(9, thumbnail(path).width)
      os.remove(path)
      assert.is_nil(thumbnail "/nowhere.jpg")
   end)

   it("and stays that where errors pass", function()
      local console = require "scute.base.console"
      local x = scute.ones(1):requires_grad_()
      local failing = scute.func { forward = function(_, t) return t:mul(2) end, backward = starve }
      local ways = {
         ["no_grad"] = function() scute.no_grad(starve) end,
         ["autocast"] = function() scute.autocast("bf16", starve) end,
         ["a coroutine"] = function() coroutine.wrap(starve)() end,
         ["a forward"] = function() scute.func { forward = starve, backward = print }(x) end,
         ["a backward"] = function() failing(x):sum():backward() end,
         ["a backward inside another"] = function()
            local inner = failing(x):sum()
            local function backward() inner:backward() end
            scute.func { forward = function(_, t) return t:mul(2) end, backward = backward }(x):sum():backward()
         end,
         ["an image"] = function() starve(scute.canvas(9, 9):render():tensor()) end,
         ["more text"] = function()
            local _, err = pcall(starve)
            error(scute.error_like(err, "there: " .. tostring(err)), 0)
         end,
      }
      for name, way in pairs(ways) do
         local ok, err = pcall(way)
         assert.is_false(ok, name)
         assert.equal("out of memory", scute.error_kind(err), name)
         assert.matches("out of memory on cpu: %d+ bytes wanted", console.message(err), nil, nil, name)
      end
      assert.equal("plain", scute.error_like("some text", "plain"))
      assert.error_matches(starve, "out of memory on cpu")
      assert.matches("^there: .*out of memory", tostring(select(2, pcall(console.guard, "there", starve))))
   end)
end)
