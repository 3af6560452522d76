-- Kernels of one's own: functions of each element, compiled from a script.
local build = require "scute.kernel.build"
local lfs = require "lfs"
local names = require "scute.kernel.names"
local scute = require "scute"
require "scute.cli" -- has console.warn under its own name, and is to have it as it is

local getenv, warn = os.getenv, require("scute.base.console").warn
local root, told

-- What the environment says to this process, as long as a test lasts: false: nothing.
local environment = {}

local function write(path, text, mode)
   local file = assert(io.open(path, "wb"))
   file:write(text)
   file:close()
   if mode then os.execute(("chmod %s '%s'"):format(mode, path)) end
   return path
end

local function read(path)
   local file = assert(io.open(path, "rb"))
   local text = file:read "a"
   file:close()
   return text
end

local function kept()
   local list = {}
   for name in lfs.dir(root .. "/cache/kernels") do
      if name:find "%.so$" then list[#list + 1] = root .. "/cache/kernels/" .. name end
   end
   return list
end

local MISH = {
   name = "mish", inputs = "x", output = "y", forward = "y = x * tanh(log1p(exp(x)));",
   backward = "float s = tanh(log1p(exp(x))); gx = gy * (s + x * (1 - s * s) / (1 + exp(-x)));",
}
local mish, mix, steep

local function random(shape, device)
   return scute.randn(shape):to(device or "cpu"):detach():requires_grad_()
end

local function by_ops(x)
   return x * x:exp():log1p():tanh()
end

-- The largest difference over the largest value; NaN is told.
local function off(a, b)
   local difference, scale = (a - b):abs():max():item(), b:abs():max():item()
   return difference / math.max(scale, 1e-30)
end

local function assert_near(a, b, tolerance)
   assert.same(b.shape, a.shape)
   assert.equal(b.dtype, a.dtype)
   local worst = off(a, b)
   assert.is_true(worst <= tolerance, ("off by %g"):format(worst))
end

setup(function()
   root = os.tmpname()
   os.remove(root)
   scute.files.mkdirs(root)
   rawset(os, "getenv", function(name)
      local value = environment[name]
      if value == nil then return getenv(name) end
      return value or nil
   end)
   require("scute.base.console").warn = function(format, ...) told[#told + 1] = format:format(...) end
   environment.SCUTE_CACHE = root .. "/cache"
   mish = scute.kernel(MISH)
   mix = scute.kernel { name = "mix", inputs = "x, w", outputs = "y, z", numbers = "alpha = 2, beta = 0.5",
      forward = [[
         float product = x * w; // of both
         y = alpha * product;
         z = x + beta * w;]],
      backward = "gx = gy * alpha * w + gz; gw = gy * alpha * x + gz * beta;" }
   steep = scute.kernel { name = "steep", inputs = "x", output = "y", forward = "if (x > 0) y = x;" }
end)

teardown(function()
   rawset(os, "getenv", getenv)
   require("scute.base.console").warn = warn
   os.execute(("chmod -R u+rwX '%s'; rm -rf '%s'"):format(root, root))
end)

before_each(function()
   told = {}
   environment = { SCUTE_CACHE = root .. "/cache" }
   scute.manual_seed(7)
end)

describe("a kernel", function()
   it("computes what its text says, and its gradient", function()
      local x = random { 3, 5 }
      local y = mish(x)
      y:sum():backward()
      local x2 = x:detach():requires_grad_()
      by_ops(x2):sum():backward()
      assert_near(y, by_ops(x2), 1e-6)
      assert_near(x.grad, x2.grad, 1e-6)
   end)

   -- Its formula in a half, rounded once, against f32 of the same numbers: half a unit in the last place, and of gradients a
   -- unit of what is rounded on the way.
   for dtype, tolerance in pairs { f32 = 1e-6, f64 = 1e-15, bf16 = 2 ^ -8, f16 = 2 ^ -11 } do
      it("computes in " .. dtype, function()
         local x = random { 40 }:to(dtype):detach():requires_grad_()
         local wide = x:detach():to(dtype == "f64" and "f64" or "f32"):requires_grad_()
         local y, expected = mish(x), by_ops(wide)
         y:sum():backward()
         expected:sum():backward()
         assert.equal(dtype, y.dtype)
         assert_near(y:to(wide.dtype), expected, tolerance)
         assert_near(x.grad:to(wide.dtype), wide.grad, 2 * tolerance)
      end)
   end

   local SHAPES = { { { 2, 3 }, { 2, 3 } }, { { 2, 5, 7, 6 }, { 5, 1, 1 } }, { { 2, 5, 7, 6 }, { 7, 6 } },
      { { 5, 1 }, { 1, 6 } },
      { { 2, 3, 4, 5 }, { 3, 4, 5 } }, { { 4, 300 }, {} }, { { 1 }, { 1 } }, { { 3, 700 }, { 700 } }, { {}, {} },
      { { 2, 40, 20, 20 }, { 40, 1, 1 } }, { { 5, 3, 60, 41 }, { 3, 60, 41 } }, { { 2, 3, 90, 71 }, { 1, 3, 90, 71 } } }

   for _, shapes in ipairs(SHAPES) do
      local what = ("(%s) with (%s)"):format(table.concat(shapes[1], ", "), table.concat(shapes[2], ", "))
      it("broadcasts " .. what .. ", and sums gradients", function()
         for _, place in ipairs { { "cpu", "f32" }, { "ref", "f32" }, { "cpu", "f64" } } do
            local device, dtype = place[1], place[2]
            local x, w = random(shapes[1], device):to(dtype):detach(), random(shapes[2], device):to(dtype):detach()
            x:requires_grad_()
            w:requires_grad_()
            local x2, w2 = x:detach():requires_grad_(), w:detach():requires_grad_()
            local y, z = mix(x, w, { alpha = 3 })
            local by = scute.randn(y.shape):to(dtype):to(device)
            local y2, z2 = x2 * w2 * 3, x2 + w2 * 0.5
            ;(y * by + z):sum():backward()
            ;(y2 * by + z2):sum():backward()
            assert_near(y, y2, 1e-6)
            assert_near(z, z2, 1e-6)
            assert_near(x.grad, x2.grad, 1e-5)
            assert_near(w.grad, w2.grad, 1e-5) -- thousands of terms, in another order
         end
      end)
   end

   it("sums the same whatever the number of threads", function()
      local sums = {}
      for threads = 1, 2 do
         local code = ("local scute = require 'scute' scute.manual_seed(1) local k = scute.kernel { name = 'scale', "
            .. "inputs = 'x, w', output = 'y', forward = 'y = x * w;', backward = 'gx = gy * w; gw = gy * x;' } "
            .. "local x = scute.randn(4, 8, 60, 60) for _, shape in ipairs { { 8, 1, 1 }, { 8, 60, 60 } } do "
            .. "local w = scute.ones(shape):requires_grad_() k(x, w):sum():backward() "
            .. "io.write(scute.checksum { w.grad }) end")
         local command = "OMP_NUM_THREADS=%d SCUTE_CACHE='%s/cache' '%s' -e \"%s\""
         local pipe = io.popen(command:format(threads, root, arg[-1] or "./scute", code))
         sums[threads] = pipe:read "a"
         pipe:close()
      end
      assert.matches("^%x+$", sums[1])
      assert.equal(sums[1], sums[2])
   end)

   it("keeps NaN and infinity", function()
      local y = mish(scute.tensor { 0 / 0, math.huge, -math.huge, 100, -200 }):values()
      assert.is_true(y[1] ~= y[1])
      assert.equal(math.huge, y[2])
      assert.is_true(y[3] ~= y[3]) -- as the formula: infinity times 0
      assert.same({ 100, -0.0 }, { y[4], y[5] })
   end)

   it("has functions that treat NaN and infinity in float as C's do in double", function()
      local functions = require "scute.kernel.functions"
      local outputs, lines = {}, {}
      local x = scute.tensor { 0 / 0, math.huge, -math.huge, 0, -0.0, 1, -1, 3e38, -3e38, 100, -100, 2.5, -2.5, 0.5, 1e-5 }
      local function class(v) return v ~= v and "nan" or v >= 3.5e38 and "inf" or v <= -3.5e38 and "-inf" or "number" end
      local function compare()
         local k = scute.kernel { name = "several", inputs = "x", outputs = outputs, forward = table.concat(lines) }
         local single, double = { k(x) }, { k(x:to "f64") }
         for i, result in ipairs(single) do
            local expected = double[i]:values()
            for at, value in ipairs(result:values()) do
               local what = ("%sof %g: %g, %g in double"):format(lines[i], x:values()[at], value, expected[at])
               assert.equal(class(expected[at]), class(value), what)
               if class(value) == "number" then -- 100 in float, below normal numbers
                  assert.is_true(math.abs(value - expected[at]) <= 1e-5 * math.abs(expected[at]) + 1e-37, what)
               end
            end
         end
         outputs, lines = {}, {}
      end
      for i, entry in ipairs(functions.list) do
         local rest = (", 0.5"):rep(entry[2] - 1)
         outputs[#outputs + 1] = ("y%d"):format(i)
         lines[#lines + 1] = ("y%d = %s(x%s);\n"):format(i, entry[1], rest)
         if #outputs == 3 or i == #functions.list then compare() end
      end
   end)

   it("promotes mixed dtypes, and takes numbers", function()
      assert.equal("f32", (mix(scute.ones(2):to "f16", scute.ones(2))).dtype)
      assert.equal("f32", (mix(scute.tensor({ 1, 2 }, { dtype = "i64" }), scute.ones(2))).dtype)
      assert.equal("f16", (mix(scute.ones(2):to "f16", 0.1)).dtype)
      assert.same({ 4, 4 }, (mix(scute.ones(2), 2)):values())
      assert.same({ 6, 6 }, (mix(scute.ones(2), 1, 6)):values())
   end)

   it("computes in the dtype of its inputs under autocast, as silu does", function()
      local x = scute.ones(3)
      assert.equal(scute.autocast("bf16", scute.silu, x).dtype, scute.autocast("bf16", mish, x).dtype)
      assert.equal("bf16", scute.autocast("bf16", mish, x:to "bf16").dtype)
   end)

   it("is recorded as any op", function()
      local x = random { 4 }
      assert.is_false(scute.no_grad(mish, x).requires_grad)
      assert.is_true(mish(x).requires_grad)
      assert.is_false(steep(x).requires_grad)
      assert.is_false(steep.differentiable)
      assert.same({ 0, 2 }, steep(scute.tensor { -1, 2 }):values())
      collectgarbage()
      collectgarbage()
      local live = scute.memory().live
      for _ = 1, 3 do mish(x):sum():backward() end
      x:zero_grad()
      collectgarbage()
      collectgarbage()
      assert.equal(live, scute.memory().live)
   end)

   it("keeps for its backward what that reads, and nothing else", function()
      local square = scute.kernel { name = "root", inputs = "x, w", output = "y", no_gradient = "w",
         forward = "y = sqrt(x) + 0 * w;", backward = "gx = gy * 0.5 / y;" }
      local x, w = (scute.rand(1000) + 0.5):detach():requires_grad_(), random { 1000 }
      local copy = x * 1
      local y = square(copy, w * 1)
      collectgarbage()
      collectgarbage()
      local before = scute.memory().live
      copy:free()
      assert.is_true(before - scute.memory().live >= 4000)
      y:sum():backward()
      assert_near(x.grad, 0.5 / x:detach():sqrt(), 1e-6)
      assert.is_nil(w.grad)
      assert.is_false(square(x:detach(), w).requires_grad)
      assert.is_true(square(x, w:detach()).requires_grad)
   end)

   it("is called in a profile, in errors and in help by its name", function()
      local p = scute.profile(function() mish(scute.ones(2, 3)) end)
      assert.matches("\nmish +1 ", tostring(p))
      assert.matches("mish f32 %(2, 3%)", tostring(p))
      assert.equal("scute.kernel 'mix': x, w, alpha, beta -> y, z", tostring(mix))
      local text = require("scute.help.answer").text(80, mix)
      assert.matches("^mix: ", text)
      assert.matches("alpha +number, optional %(default 2%)", text)
      assert.matches("no backward", require("scute.help.answer").text(80, steep))
   end)

   it("may be the field of a module, which its file does not hold", function()
      local exact = require "scute.train.exact"
      assert.is_false((pcall(exact.check, mish)))
   end)

   it("is the same where it is declared again, and another one where its text differs", function()
      local live = #kept()
      assert.equal(mish._op, scute.kernel(MISH)._op)
      assert.equal(live, #kept())
      local twice = scute.kernel { name = "mish", inputs = "x", output = "y", forward = "y = 2 * x;" }
      assert.is_false(twice._op == mish._op)
      assert.same({ 6 }, twice(scute.tensor { 3 }):values())
      assert.same({ 0 }, mish(scute.tensor { 0 }):values())
      local function half(more)
         local o = { name = "half", inputs = "x, w", output = "y", numbers = { k = 1 }, forward = "y = x + 0 * w + k;" }
         for key, value in pairs(more) do o[key] = value end
         return scute.kernel(o)._op
      end
      assert.equal(half {}, half { numbers = { k = 1.0 } })
      assert.not_equal(half {}, half { numbers = { k = 1 + 2 ^ -52 } })
      assert.not_equal(half { backward = "gx = gy;", no_gradient = "w" }, half { backward = "gx = gy;gw = 0;" })
      assert.not_equal(half { forward = "y = 1;" }, half { inputs = "w, x", forward = "y = 1;" })
   end)
end)

describe("a call of a kernel", function()
   local x = scute.ones(2)
   local CASES = {
      { "mish: argument 'x' is missing", function() local _ = mish() end },
      { "mish: argument 'x': expected a tensor or a number, found 'a'", function() local _ = mish "a" end },
      { "mish: too many arguments: expected at most 1", function() local _ = mish(x, 1) end },
      { "mix: unknown argument 'alhpa'; did you mean 'alpha'?", function() local _ = mix(x, x, { alhpa = 1 }) end },
      { "mix: argument 'alpha': expected a number, found 'a'", function() local _ = mix(x, x, { alpha = "a" }) end },
      { "mish: argument 'x': expected a floating-point tensor, found i64", function() local _ = mish(x:to "i64") end },
      { "mix: shapes (2) and (3) do not broadcast", function() local _ = mix(x, scute.ones(3)) end },
      { "kernel 'mish': there is no field 'nam'; did you mean 'name'?", function() local _ = mish.nam end },
      { "kernel 'mish': there is no field 'nam'; did you mean 'name'?", function() mish.nam = "a" end },
   }
   for _, case in ipairs(CASES) do
      it("tells: " .. case[1], function()
         local ok, message = pcall(case[2])
         assert.is_false(ok)
         assert.is_not_nil(tostring(message):find(case[1], 1, true), message)
         assert.matches("^[^\n]*kernel_spec.lua:%d+: ", message) -- the user's line
      end)
   end
end)

describe("the text of a kernel", function()
   local function problem_of(given)
      local whole = { name = "k", inputs = "x", output = "y", forward = "y = x;" }
      for key, value in pairs(given) do whole[key] = value end
      local ok, message = pcall(function() local _ = scute.kernel(whole) end)
      assert.is_false(ok)
      assert.matches("^[^\n]*kernel_spec.lua:%d+: [^\n]*$", message)
      return message:match "^.-: (.*)$"
   end

   local CASES = {
      { "kernel 'k', forward, line 2: 'tahn' is not known; did you mean 'tanh'?", { forward = "\ny = tahn(x);" } },
      { "kernel 'k', forward, line 2: expected ';' before '}' token", { forward = "\ny = x" } },
      { "kernel 'k', backward, line 4: expected ',' or ';' before 'gx'", { backward = "float s\n\n= gy\ngx = s;" } },
      { "kernel 'k', forward, line 2: expected expression before '}' token", { forward = "\ny = x +\n\n" } },
      { "kernel 'k', backward, line 1: expected expression before '}' token", { backward = "gx = gy; if (x > 0)" } },
      { "kernel 'k', forward, line 1: '(' is not closed", { forward = "y = (x;" } },
      { "kernel 'k', forward, line 1: '}' closes nothing", { forward = "y = x; } void f() {" } },
      { "kernel 'k', forward, line 1: in C a comment begins with //", { forward = "y = x; -- x as it is" } },
      { "kernel 'k', forward, line 1: in C a comment begins with //", { forward = "y = x; --twice" } },
      { "kernel 'k', forward, line 1: '**' is no power in C; write pow", { forward = "y = x**2;" } },
      { "kernel 'k', forward, line 1: '%' is of whole numbers in C; write fmod", { forward = "y = x % 2;" } },
      { "kernel 'k', forward, line 1: 'clip' is not known; write min(max(x, 0), 1)", { forward = "y = clip(x, 0, 1);" } },
      { "kernel 'k', forward, line 1: 'PI' is not known; write M_PI", { forward = "y = PI * x;" } },
      { "kernel 'k', forward, line 1: 'torch': the text is C, whose functions stand alone; write tanh(x)",
         { forward = "y = torch.nn.tanh(x);" } },
      { "kernel 'k', forward, line 1: 'std': the text is C, whose functions stand alone; write max(x)",
         { forward = "y = std::max(x, 0.0);" } },
      { "kernel 'k', forward, line 1: 'x' is a number in C; write abs(x)", { forward = "y = x.abs();" } },
      { "kernel 'k', forward, line 1: 'x' is one number, that of the element", { forward = "y = x[1];" } },
      { "kernel 'k', forward, line 1: 'softmax' is of many elements", { forward = "y = softmax(x);" } },
      { "kernel 'k', forward, line 2: 't' is never assigned", { forward = "y = x;\nfloat t; y = t;" } },
      { "kernel 'k', forward, line 2: integer overflow in expression of type 'int' results in '-294967296'",
         { forward = "\ny = x * (2000000000 * 2);" } },
      { "kernel 'k', forward, line 1: the comment does not end", { forward = "y = x; /*" } },
      { "kernel 'k', forward, line 2: lines for the preprocessor", { forward = "y = x;\n#include <stdio.h>" } },
      { "kernel 'k', forward, line 1: texts have no place", { forward = 'y = "x";' } },
      { "kernel 'k', forward, line 1: '^' is no power in C", { forward = "y = x ^ 2;" } },
      { "kernel 'k', forward, line 1: 1 / 2 is a division of whole numbers in C; write 1.0 / 2",
         { forward = "y = 1 / 2 * x;" } },
      { "kernel 'k', forward, line 1: 'x' is an input and cannot be assigned; assign 'y'", { forward = "x += 1; y = x;" } },
      { "kernel 'k', forward, line 1: 'x' is an input already", { forward = "float x = 1; y = x;" } },
      { "kernel 'k', forward, line 1: 'total' is not known; write 'float total' where it begins",
         { forward = "total = x; y = x;" } },
      { "kernel 'k', forward: the output 'y' is never assigned", { forward = "float z = x;" } },
      { "kernel 'k', forward, line 1: 'local' has no place here: the text is C", { forward = "local y = x" } },
      { "kernel 'k', forward, line 1: 'return' has no place here: assign the output instead", { forward = "return x;" } },
      { "kernel 'k', forward, line 1: 'pow' takes 2 arguments, found 1", { forward = "y = pow(x);" } },
      { "kernel 'k', forward, line 1: 'exp' is a function; call it, as in exp(x)", { forward = "y = exp;" } },
      { "kernel 'k', forward, line 1: '09' is no number of C", { forward = "y = 09 * x;" } },
      { "kernel 'k', forward: there is a zero byte in the text", { forward = "y = x;\0" } },
      { "kernel 'k', backward, line 1: 'gz' is not known; did you mean 'gx'?", { backward = "gz = gy;" } },
      { "kernel 'k', backward: 'gx', the gradient of 'x', is never assigned", { backward = "float s = gy;" } },
      { "kernel 'k', backward: 'gx' is assigned, but 'x' is among no_gradient", { backward = "gx = gy;", no_gradient = "x" } },
      { "kernel: option 'no_gradient': 'w' is no input", { backward = "gx = gy;", no_gradient = "w" } },
      { "kernel: option 'no_gradient': there is no backward", { no_gradient = "x" } },
      { "kernel: option 'name': expected up to 60 letters", { name = "x y" } },
      { "kernel: option 'inputs': 'for': that is a word of C", { inputs = "for" } },
      { "kernel: option 'inputs': 'double': that is a word of C", { inputs = { "double" } } },
      { "kernel: option 'inputs': 'exp': that is a function of the text", { inputs = "exp" } },
      { "kernel: option 'inputs': 'xor': that is a word of C", { inputs = "xor" } },
      { "kernel: option 'inputs': 'expf': that is a function of C's", { inputs = "expf" } },
      { "kernel: option 'inputs': 'INT8_MAX': C's headers define such names", { inputs = "INT8_MAX" } },
      { "kernel: option 'inputs': 'HUGE_VAL': C's headers define such names", { inputs = "HUGE_VAL" } },
      { "kernel 'k', forward, line 1: 'sqrtf' cannot be declared: that is a function of C's",
         { forward = "float sqrtf = 2; y = sqrt(x) + sqrtf;" } },
      { "kernel: option 'inputs': 'M_PI': that is a constant of the text", { inputs = "M_PI" } },
      { "kernel: option 'inputs': 'scute_n': such names are scute's own", { inputs = "scute_n" } },
      { "kernel: option 'outputs': 'y' is one of the inputs too", { inputs = "x, y" } },
      { "kernel: option 'inputs': 'gy' is the gradient of 'y'", { inputs = "x, gy" } },
      { "kernel: option 'inputs': expected at least one name", { inputs = "" } },
      { "kernel: option 'outputs': expected one to 3 names, found 4", { output = "a b c d" } },
      { "kernel: expected at most 16 inputs and numbers, found 17", { inputs = "a b c d e f h i j k l m n o p q r" } },
      { "kernel: option 'numbers': expected NAME = NUMBER, found 'a=b'", { numbers = "a=b" } },
      { "kernel: option 'numbers': 'a': expected a finite number", { numbers = { a = 0 / 0 } } },
      { "kernel: option 'numbers': expected numbers by name", { numbers = { 1 } } },
      { "kernel: option 'numbers': 'b': expected a number, found two", { numbers = { a = 1, b = "two" } } },
      { "kernel: unknown option 'forwrd'; did you mean 'forward'?", { forwrd = "y = x;" } },
   }
   for _, case in ipairs(CASES) do
      it("is refused: " .. case[1], function()
         local found = problem_of(case[2])
         assert.equal(case[1], found:sub(1, #case[1]))
      end)
   end

   it("divides no whole numbers where a float comes of it, and compares no comparison", function()
      local function wrong(text)
         return select(2, names.read(text, "k", { x = "an input" }, { y = "an output" }, "'y'"))
      end
      for _, text in ipairs { "y = 1 / 2 * x;", "int n = 3; y = x * (1 / n);", "y = (1) / (2);", "y = 1 / (2 * 3);",
         "y = x + 1 / 3;", "y = exp(1 / 2);", "float s = 1 / 2; y = s;", "int n = 2; y = x > 0 ? n / 2 : x;",
         "int n = 2; y = x > 0 ? x : -(n / 2);", "for (int i = 1; i < 3; i++) y += i / 2;", "int n = 2; y = (float)(n / 2);",
         "y += isnan(x) / 2;", "if (x > 0) y = 1; else y = 1 / 4;", "float a = x, b = 2 / 3; y = a + b;",
         "if (x < 1 / 2) y = x;", "int n = 4; y = n = n / 3 + 0 * x;" } do
         assert.matches("whole numbers", wrong(text) or text)
      end
      for _, text in ipairs { "y = x * 2 / 3;", "y = 1 / 2.0;", "y = 1 / x;", "int n = 3; y = x * (1.0 / n);",
         "int n = 7 / 2; y = n;", "y = (float)1 / 2;", "int n = 3; y = x / n / 2;", "y = 1 / (2 * x);",
         "for (int i = 0; i < 9 / 2; i++) y += x;", "int n = 5; if (n / 2 == 2) y = x;", "y = -x / 2;",
         "y = x > 0 ? 1 : 2;", "int n = 3; float a = x; y = (a * 2) / 3 + x * (int)(n / 2);", "y = abs(-3) / 2;",
         "bool b = 0 < x && x < 0.5; y = b;", "y = (0 < x) < 1;", "y = M_PI / 2;", "y = x; y /= 2;" } do
         assert.is_nil(wrong(text))
      end
      assert.equal("k, line 1: 1 / 2 is a division of whole numbers in C; write 1.0 / 2", wrong "y = x * (1 / 2);")
      assert.equal("k, line 2: C compares what comes of the first comparison with '<'; write a < b && b < c",
         wrong "y = x;\nif (0 < x < 0.5) y = 1;")
   end)

   it("leaves nothing behind where it is wrong", function()
      local before = #kept()
      problem_of { forward = "y = x" }
      assert.equal(before, #kept())
   end)

   it("has comments and texts, whichever begins first", function()
      local tokens = require "scute.kernel.tokens"
      local function words(text)
         local list = {}
         for _, token in ipairs(tokens.of(assert(tokens.without_comments(text)))) do list[#list + 1] = token.text end
         return table.concat(list, " ")
      end
      for text, expected in pairs {
         ["/* it's */ x[i] /* x's */ + 1"] = "x [ i ] + 1",
         ["// don't\ny // can't"] = "y",
         ["f(\"/* no\", x, '\"') /* \" */ y"] = "f ( \" \" , x , ' ' ) y",
         ["\"a\\\"b\" c '\\'' d"] = "\" \" c ' ' d",
         ["1'000 * x + 0xff'ff * y"] = "1 ' 000 * x + 0xff ' ff * y",
         ["// goes on \\\nx\ny"] = "y",
         ["#if 0\ndon't\n#endif\nx"] = "# if 0 don ' # endif x",
         ["'"] = "'",
         ["a \"b"] = 'a "',
      } do
         assert.equal(expected, words(text))
      end
   end)

   it("has numbers that are floats", function()
      local found = names.read("y = 1.5 * x + .5e-3 - 2 + 0x1f + 3.f;", "k", { x = "an input" }, { y = "an output" }, "'y'")
      assert.equal("y = 1.5f * x + .5e-3f - 2 + 0x1f + 3.f;", found.float)
      assert.equal("y = 1.5 * x + .5e-3 - 2 + 0x1f + 3.;", found.double)
      local tenth = scute.kernel { name = "tenth", inputs = "x", output = "y", forward = "y = 0.1f * x;" }
      assert.equal(0.1, tenth(scute.ones(1):to "f64"):item())
      assert.same({ x = true }, found.used)
      assert.same({ y = true }, found.assigns)
   end)

   it("has locals that begin as 0, whatever an element before left there", function()
      local k = scute.kernel { name = "partly", inputs = "x", output = "y", forward = [[
         float t, u; float a[2], n[2][3];
         if (x > 0) { t = x; u = 10; a[1] = 100; n[1][2] = 1000; }
         y = t + u + a[1] + n[1][2];]] }
      for _, dtype in ipairs { "f32", "f64" } do
         local values = k(scute.tensor({ 1, -1 }, { dtype = dtype }):expand { 200, 2 }):values()
         for i, value in ipairs(values) do assert.equal(i % 2 == 1 and 1111 or 0, value) end
      end
      local sizes = scute.kernel { name = "sizes", inputs = "x", output = "y",
         forward = "const int n = 2; float a[n]; a[0] = x; a[1] = 1; y = a[0] + a[1];" }
      assert.same({ 4 }, sizes(scute.tensor { 3 }):values())
   end)

   it("may call clamp, which NaN passes", function()
      local k = scute.kernel { name = "k", inputs = "x", output = "y", forward = "y = clamp(x, -1, 2);" }
      for _, dtype in ipairs { "f32", "f64" } do
         local y = k(scute.tensor({ -3, 0.5, 7, 0 / 0 }):to(dtype)):values()
         assert.same({ -1, 0.5, 2 }, { y[1], y[2], y[3] })
         assert.is_true(y[4] ~= y[4])
      end
   end)

   it("may have names that look like C's", function()
      local k = scute.kernel { name = "k", inputs = "EXPORT, index, y1", output = "time, I",
         forward = "time = EXPORT + index; I = y1;" }
      local a, b = k(1, 2, scute.ones(1))
      assert.same({ 3, 1 }, { a:item(), b:item() })
   end)

   it("may be long, loop, branch and leave off", function()
      local sum = scute.kernel { name = "sum", inputs = "x", output = "y", forward = [[
         for (int i = 0, j = 3; i < 3; i++, j--) y += x * i + j % 4;  /* 3 x + 6 */
         if (x < 0) { y = (float)(int)x + (int)x % 1; break; }
         y = x > 1 ? min(y, 10) : max(y, 7.5);
         ]] .. ("y = y + 1.0 - 1.0;\n"):rep(300) }
      assert.same({ 7.5, 10, -2 }, sum(scute.tensor { 0, 2, -2.5 }):values())
   end)
end)

describe("what a kernel compiles to", function()
   local number = 0

   -- A kernel that was never compiled, and what went wrong with it.
   local function fresh()
      number = number + 1
      local ok, value = pcall(function()
         local k = scute.kernel { name = "fresh", inputs = "x", output = "y", forward = ("y = x + %d;"):format(number) }
         return k
      end)
      if not ok then return nil, value end
      assert.equal(number, value(scute.zeros(1)):item())
      return value
   end

   -- A compiler that is a script of the shell.
   local function compiler(text)
      environment.SCUTE_CC = write(root .. "/compiler", "#!/bin/sh\n" .. text, "755")
   end


   it("is kept in a folder of one's own, and used again", function()
      assert.equal("rwx------", lfs.attributes(root .. "/cache/kernels", "permissions"))
      local before = #kept()
      fresh()
      assert.equal(before + 1, #kept())
      local counted = 0
      local ok = build.load { source = "int scute_k1 = 1;", open = function() counted = counted + 1 end }
      assert.is_true(ok)
      compiler "exit 1"
      environment.SCUTE_CC = nil
      assert.is_true(build.load { source = "int scute_k1 = 1;", open = function() counted = counted + 1 end })
      assert.equal(2, counted)
      assert.equal(before + 2, #kept())
   end)

   it("is used where the compiler is no longer there", function()
      local function load()
         local path
         local ok, why = build.load { source = "int scute_k3 = 1;", include = ".", is_final = function() end,
            open = function(at) path = at end }
         return ok and path, why
      end
      compiler 'exec cc "$@"'
      local path = load()
      assert.is_truthy(path)
      os.remove(environment.SCUTE_CC)
      assert.equal(path, load())
      os.remove(path)
      local found, why = load()
      assert.is_false(found)
      assert.matches("there is no C compiler", why.missing)
   end)

   it("is made again where a kept file is damaged", function()
      local source = "int scute_k2 = 1;"
      local function load()
         local path
         assert.is_true((build.load { source = source, open = function(at) path = at end }))
         return path
      end
      local path = load()
      local whole = read(path)
      for _, damage in ipairs { whole:sub(1, 3000), whole:sub(1, 2000) .. "x" .. whole:sub(2002), "" } do
         write(path, damage)
         assert.equal(path, load())
         assert.equal(whole, read(path))
      end
   end)

   it("is not kept where others could write, and one line says so", function()
      local folders = { open = "chmod 777 '%s'", file = "rmdir '%s'; touch '%s'", link = "rmdir '%s'; ln -s / '%s'" }
      for name, damage in pairs(folders) do
         told = {}
         environment.SCUTE_CACHE = root .. "/" .. name
         local folder = environment.SCUTE_CACHE .. "/kernels"
         scute.files.mkdirs(folder)
         os.execute((damage:gsub("%%s", folder)))
         assert.is_not_nil(fresh())
         assert.equal(1, #told)
         assert.matches("^compiled kernels are not kept for the next time: .*" .. name .. "/kernels' ?.*$", told[1])
         fresh()
         assert.equal(1, #told)
      end
   end)

   it("needs no home", function()
      environment.SCUTE_CACHE, environment.HOME, environment.XDG_CACHE_HOME = false, false, false
      assert.is_not_nil(fresh())
      assert.same({ "compiled kernels are not kept for the next time: HOME is not set; set SCUTE_CACHE to a folder for them" },
         told)
   end)

   it("tells of a compiler that is not there, fails, says nothing, too much, or does not end", function()
      local patience, longest = build.PATIENCE, build.LONGEST
      finally(function() build.PATIENCE, build.LONGEST = patience, longest end)
      local before = #kept()
      environment.SCUTE_CC = "no-such-compiler"
      assert.matches("kernel_spec.lua:%d+: kernel 'fresh': there is no C compiler 'no%-such%-compiler'; install it",
         (select(2, fresh())))
      environment.SCUTE_CC = "no-such-cache gcc -m64"
      assert.matches("kernel 'fresh': there is no program 'no%-such%-cache', which calls the compiler %('no%-such%-cache gcc "
         .. "%-m64'%); install it, or set SCUTE_CC to a compiler$", (select(2, fresh())))
      local silent = "it said nothing; is there room in $TMPDIR, or /tmp%?"
      local cases = { { "exit 0", "it made no library" }, { "exit 1", silent }, { "kill -9 $$", silent },
         { "echo 'something: error: is wrong' >&2; exit 1", "something: error: is wrong" },
         { "echo not a library >kernel.so", ".*/kernel%.so: file too short" }, { "touch left_behind; exit 1", silent } }
      for _, case in ipairs(cases) do
         compiler(case[1])
         assert.matches("kernel 'fresh': the C compiler failed: " .. case[2] .. "$", (select(2, fresh())))
      end
      build.PATIENCE = 0.5
      compiler "sleep 1000"
      assert.matches("it did not end within 0.5 s$", (select(2, fresh())))
      build.LONGEST, build.PATIENCE = 1000, 60
      compiler "yes"
      assert.matches("it said more than anybody can read$", (select(2, fresh())))
      assert.equal(before, #kept())
      environment.SCUTE_CC = nil
      assert.is_not_nil(fresh()) -- the session lives
   end)

   it("comes from a compiler without OpenMP, or with other flags, too", function()
      compiler 'for word; do case "$word" in -march=*) echo "error: what is $word?" >&2; exit 1;; esac; done; exec cc "$@"'
      assert.is_not_nil(fresh())
   end)

   it("has threads by scute's own compiler alone, whose OpenMP is the one that scute runs", function()
      local function whole(n)
         return scute.kernel { name = "threads", inputs = "x", output = "y",
            c = ("#ifdef _OPENMP\ny[0] = %d;\n#else\ny[0] = -%d;\n#endif"):format(n, n) }(scute.ones(1)):item()
      end
      assert.equal(1, whole(1))
      compiler 'exec cc "$@"'
      assert.equal(-2, whole(2))
      environment.SCUTE_CC = scute.own_op_compiler()
      assert.equal(3, whole(3))
   end)

end)
