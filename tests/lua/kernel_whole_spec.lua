-- Kernels of scripts that are whole functions in C.
local scute = require "scute"
local same_values = require "tests.lua.same_values"

-- A kernel of x and y, with what is given beside.
local function made(given)
   given.name, given.inputs, given.output = given.name or "k", given.inputs or "x", given.output or "y"
   return scute.kernel(given)
end

local SUM = [=[
   #pragma omp parallel for
   for (int64_t n = 0; n < x_shape[0]; n++)
      for (int64_t h = 0; h < x_shape[2]; h++)
         for (int64_t w = 0; w < x_shape[3]; w++) {
            float sum = 0; // over channels
            for (int64_t c = 0; c < x_shape[1]; c++)
               sum += x[n * x_stride[0] + c * x_stride[1] + h * x_stride[2] + w * x_stride[3]];
            y[n * y_stride[0] + h * y_stride[1] + w * y_stride[2]] = scale * sum;
         }
]=]

local SPREAD = [[
   const int64_t C = x_shape[1]; // which lie side by side
   for (int64_t i = 0; i < x_size; i++) gx[i] = scale * gy[i / C];
]]

local sum = made { name = "sum_channels", numbers = { scale = 1 }, c = SUM, c_backward = SPREAD,
   shape = function(x) return { x[1], x[3], x[4] } end, doc = "The sum over channels." }

local product = made { name = "product", inputs = "a, b", output = "y",
   shape = function(a, b) return { a[1], b[2] } end,
   c = [[
      for (int64_t i = 0; i < a_shape[0]; i++)
         for (int64_t j = 0; j < b_shape[1]; j++) {
            float s = 0;
            for (int64_t k = 0; k < a_shape[1]; k++) s += a[i * a_stride[0] + k] * b[k * b_stride[0] + j];
            y[i * y_stride[0] + j] = s;
         }
   ]],
   c_backward = [[
      for (int64_t i = 0; i < a_shape[0]; i++)
         for (int64_t j = 0; j < b_shape[1]; j++)
            for (int64_t k = 0; k < a_shape[1]; k++) {
               const float g = gy[i * y_stride[0] + j];
               if (ga_wanted) ga[i * a_stride[0] + k] += g * b[k * b_stride[0] + j];
               if (gb_wanted) gb[k * b_stride[0] + j] += g * a[i * a_stride[0] + k];
            }
   ]] }

describe("a whole function", function()
   before_each(function() scute.manual_seed(4) end)

   it("computes on the memory of tensors as it is, and gives results of any shape", function()
      local x = scute.randn(2, 3, 4, 5)
      local y = sum(x, { scale = 2 })
      assert.same({ 2, 4, 5 }, y.shape)
      assert.is_true((y - x:sum(2) * 2):abs():max():item() < 1e-5)
      assert.is_true((sum(x) - sum(x, 1)):abs():max():item() == 0)
      assert.is_true((sum { x = x, scale = 2 } - y):abs():max():item() == 0)
      local a, b = scute.randn(3, 4), scute.randn(4, 2)
      assert.is_true((product(a, b) - a:matmul(b)):abs():max():item() < 1e-5)
   end)

   it("has gradients of several inputs, some of them or all", function()
      local a, b = scute.randn(3, 4):requires_grad_(), scute.randn(4, 2):requires_grad_()
      assert.is_true(scute.gradcheck(product, { a, b }))
      assert.is_true(scute.gradcheck(product, { a, b:detach() }))
      assert.is_true(scute.gradcheck(product, { a:detach(), b }))
      local function wave(x) return sum(x, { scale = 3 }):sin() end
      assert.is_true(scute.gradcheck(wave, scute.randn(1, 2, 2, 3):requires_grad_()))
   end)

   it("may have several results; the gradient of one without influence is zeros", function()
      local both = scute.kernel { name = "both", inputs = "x", outputs = "y, z", shape = function(x) return x, { 1 } end,
         c = "z[0] = 0; for (int64_t i = 0; i < x_size; i++) { y[i] = x[i] * x[i]; z[0] += x[i]; }",
         c_backward = "for (int64_t i = 0; i < x_size; i++) gx[i] = 2 * x[i] * gy[i] + gz[0];" }
      local x = scute.randn(4):requires_grad_()
      assert.is_true(scute.gradcheck(both, x))
      local _, z = both(x)
      z:sum():backward()
      assert.same({ 1, 1, 1, 1 }, x.grad:values())
   end)

   it("takes half width, autocast and scalars as other ops without a kernel for them", function()
      local x = scute.ones(1, 2, 1, 2):to "f16"
      assert.equal("f16", sum(x).dtype)
      same_values({ 2, 2 }, sum(x))
      assert.equal("f32", scute.autocast("bf16", sum, scute.ones(1, 2, 1, 2)).dtype)
      local scalar = made { c = "y[0] = x[0] + (x_rank == 0);", shape = function() return {} end }
      assert.equal(4, scalar(scute.tensor(3)):item())
      assert.error_matches(function() sum(scute.ones(1, 2, 1, 2):to "f64") end, "compute in f32, found f64; convert it")
      assert.error_matches(function() sum(scute.ones(1, 2, 1, 2):to "i64") end, "expected a floating%-point tensor")
   end)

   it("without c_backward is not differentiable; inputs in no_gradient get none", function()
      local plain = made { c = "y[0] = x[0];", shape = function() return { 1 } end }
      assert.is_false(plain.differentiable)
      assert.is_true(product.differentiable)
      assert.is_false(plain(scute.ones(1):requires_grad_()).requires_grad)
      local scaled = made { inputs = "x, w", c = "for (int64_t i = 0; i < x_size; i++) y[i] = x[i] * w[0];",
         c_backward = "for (int64_t i = 0; i < x_size; i++) gx[i] = gy[i] * w[0];", no_gradient = "w" }
      local x, w = scute.randn(3):requires_grad_(), scute.tensor({ 2 }, { requires_grad = true })
      scaled(x, w):sum():backward()
      assert.same({ 2, 2, 2 }, x.grad:values())
      assert.is_nil(w.grad)
      assert.is_false(scaled(x:detach(), w).requires_grad)
   end)

   it("shows what it left out as NaN, and has in backward what that mentions", function()
      local inverse = made { c = "for (int64_t i = 0; i < x_size; i++) y[i] = 1 / x[i];",
         c_backward = "for (int64_t i = 0; i < y_size; i++) gx[i] = -gy[i] * y[i] * y[i];" }
      assert.is_true(scute.gradcheck(inverse, scute.tensor({ 1, -2, 3 }, { requires_grad = true })))
      local quoted = made { c = "for (int i = 0; i < x_size; i++) y[i] = x[i] * x[i];",
         c_backward = "for (int i = 0; i < x_size; i++) gx[i] = 2 * gy[i] /* it's */ * x[i]; /* x's */" }
      assert.is_true(scute.gradcheck(quoted, scute.randn(3):requires_grad_()))
      local pasted = made { c = "for (int i = 0; i < x_size; i++) y[i] = x[i] * x[i];",
         c_backward = "#define OF(a, b) a##b\n"
            .. "for (int i = 0; i < y_size; i++) OF(g, x)[i] = 2 * OF(g, y)[i] * OF(, x)[i];" }
      assert.is_true(scute.gradcheck(pasted, scute.randn(3):requires_grad_()))
      local y = made { c = "y[1] = x[1];" }(scute.ones(3)):values()
      assert.is_true(y[1] ~= y[1] and y[2] == 1 and y[3] ~= y[3])
   end)

   it("is an op like any other: its text, help, profile; the same declaration is the same op", function()
      assert.equal("scute.kernel 'sum_channels': x, scale -> y", tostring(sum))
      local told = getmetatable(sum).__help()
      assert.matches("^sum_channels%(x, scale = 1%) %-> y\n\nThe sum over channels.\n$", told)
      local profile = scute.profile(function() product(scute.ones(1, 1), scute.ones(1, 1)) end)
      assert.matches("product", tostring(profile))
      assert.equal(made { c = "y[0] = 1;" }._op, made { c = "y[0] = 1;" }._op)
      assert.not_equal(made { c = "y[0] = 1;" }._op, made { c = "y[0] = 2;" }._op)
      assert.equal(1, made { c = "y[0] = 1; \\" }(scute.ones(1)):item())
      local function grid() return 1, 32 end
      local function other() return 2, 32 end
      local function on_gpu(given)
         return made { inputs = given.inputs or "a, b", cuda = "y[0] = a[0] - b[0];", numbers = given.numbers,
            grid = given.grid or grid }._op
      end
      assert.equal(on_gpu {}, on_gpu { grid = grid })
      assert.not_equal(on_gpu {}, on_gpu { inputs = "b, a" })
      assert.not_equal(on_gpu {}, on_gpu { grid = other })
      assert.not_equal(on_gpu { numbers = { k = 1 } }, on_gpu { numbers = { n = 1 } })
   end)

   it("tells the line of the text where C finds a mistake", function()
      for text, given in pairs {
         ["kernel 'k', c, line 2: .*assign"] = { c = "\nx[0] = 3; y[0] = 1;" },
         ["kernel 'k', c, line 2: expected ';'"] = { c = "\ny[0] = x[0]\n" },
         ["kernel 'k', c, line 2: expected expression before '}' token"] = { c = "y[0] = 1;\nif (x[0] > 0)\n  " },
         ["kernel 'k', c, line 3: '%(' is not closed"] = { c = "\n\ny[0] = (x[0];" },
         ["kernel 'k', c, line 2: '}' closes nothing"] = { c = "y[0] = x[0];\n}" },
         ["kernel 'k', c, line 2: [^\n]*'?s'? [^\n]*uninitialized"] =
            { c = "\nfloat s; for (int64_t i = 0; i < x_size; i++) s += x[i]; y[0] = s;" },
         ["kernel 'k', c, line 1: division by zero"] = { c = "int n = 3 / 0; y[0] = n;" },
         ["kernel 'k', c, line 1: the comment does not end"] = { c = "y[0] = 1; /* x" },
         ["kernel 'k', c, line 2: 'tahnf' is not known; did you mean 'tanhf'%?"] = { c = "\ny[0] = tahnf(x[0]);" },
         ["kernel 'k', c_backward, line 1: .*'gz'"] = { c = "y[0] = x[0];", c_backward = "gx[0] = gz[0];" },
         ["kernel 'k', c, line 2: OpenMP has no 'paralel'; did you mean 'parallel'%?"] =
            { c = "y[0] = 1;\n#pragma omp paralel for\nfor (;;) ;" },
         ["kernel 'k', c, line 1: C has no '#pragma opm'; did you mean 'omp'?"] =
            { c = "#pragma opm parallel for\nfor (int i = 0; i < 1; i++) y[i] = 1;" },
         ["kernel 'k', c: the output 'y' is never written"] = { c = "int i = 3; // y" },
         ["c_backward: 'gx', the gradient of 'x', is never written; .* no_gradient = \"x\""] =
            { c = "y[0] = 1;", c_backward = "(void)gy;" },
         ["c_backward: 'gx' is there, but 'x' is among no_gradient"] =
            { c = "y[0] = 1;", c_backward = "gx[0] = gy[0];", no_gradient = "x" },
         ["kernel: expected forward, .* or c or cuda, the body of a whole function"] = {},
         ["option 'c': there is a forward"] = { forward = "y = x;", c = "y[0] = x[0];" },
         ["option 'backward': that of a whole function is c_backward"] = { c = "y[0] = 1;", backward = "gx = gy;" },
         ["option 'shape': it goes with c"] = { forward = "y = x;", shape = print },
         ["'x_shape' is the shape of 'x' in c; give it another name"] = { inputs = "x, x_shape", c = "y[0] = x[0];" },
      } do
         local done, message = pcall(made, given)
         assert.is_false(done)
         assert.matches(text, message)
      end
   end)

   it("checks what its shape function returns, and its arguments", function()
      local function with(shape) return made { c = "y[0] = x[0];", shape = shape } end
      local x = scute.ones(2)
      for text, shape in pairs {
         ["k', shape: expected the shape of 'y', a list of up to 8 whole numbers above 0, found 3"] = function() return 3 end,
         ["found %(0%)"] = function() return { 0 } end,
         ["found %(1%.5%)"] = function() return { 1.5 } end,
         ["found nil"] = function() end,
         ["expected 1 shape, one for each output, found 2"] = function() return { 1 }, { 1 } end,
         ["kernel_whole_spec.lua:%d+: attempt to index a nil value"] = function(s) return s.nothing.there end,
      } do
         local done, message = pcall(with(shape), x)
         assert.is_false(done)
         assert.matches(text, message)
      end
      assert.error_matches(function() sum(x, 1, 2) end, "sum_channels: too many arguments: expected at most 2")
      assert.error_matches(function() sum(x, { scael = 2 }) end, "unknown argument 'scael'; did you mean 'scale'?")
      local elsewhere = made { cuda = "y[0] = x[0];" }
      assert.error_matches(function() elsewhere(x) end, "k: it has no text for the CPU: give it one, as option 'c'")
      assert.error_matches(function() sum "x" end, "sum_channels: argument 'x': expected a tensor")
   end)

   it("tells what is wrong with a call at the line of the call", function()
      local x = scute.ones(1, 2, 1, 2)
      for text, call in pairs {
         ["sum_channels: argument 'x' is missing %(any shape%)$"] = function() local _ = sum() end,
         ["sum_channels: argument 'x' is missing"] = function() local _ = sum {} end,
         ["product: argument 'b' is missing %(any shape%)$"] = function() local _ = product(x) end,
         ["product: argument 'b': expected a tensor or a number, found 'b'"] = function() local _ = product(x, "b") end,
         ["sum_channels: argument 'scale': expected a number, found 'a'"] = function() local _ = sum(x, "a") end,
         ["compute in f32, found f64"] = function() local _ = sum(x:to "f64") end,
      } do
         local done, message = pcall(call)
         assert.is_false(done)
         assert.matches("^[^\n]*kernel_whole_spec.lua:%d+: [^\n]*" .. text, message)
      end
   end)

   it("finds out with check what is written or read beyond a tensor", function()
      local x = scute.ones(3):requires_grad_()
      local function run(text, backward)
         local y = made { c = text, c_backward = backward, check = true }(x)
         if backward then y:sum():backward() end
         return y
      end
      local copy = "for (int64_t i = 0; i < x_size; i++) y[i] = x[i];"
      same_values({ 1, 1, 1 }, run(copy))
      assert.error_matches(function() run "y[x_size] = x[0];" end, "k wrote beyond the last element of 'y'")
      assert.error_matches(function() run "y[-1] = x[0];" end, "k wrote before the first element of 'y'")
      assert.error_matches(function() run "y[0] = 1; ((float *)x)[0] = 3;" end, "k wrote into 'x', which is only read")
      assert.error_matches(function() run(copy, "for (int i = 0; i < 4; i++) gx[i] = gy[i];") end,
         "k, c_backward, wrote beyond the last element of 'gx'")
      local last = run("for (int64_t i = 0; i < x_size; i++) y[i] = x[i + 1];"):values()[3]
      assert.is_true(last ~= last)
      assert.same({ 1, 1, 1 }, x:values())
   end)
end)
