-- scute.export.onnx: what goes into the file, and what is refused before there is one. What such files compute is tested in
-- tests/export.
local scute = require "scute"
local Small = dofile "tests/lua/small.lua"
local nn = scute.nn

local path

local function content()
   local file <close> = assert(io.open(path, "rb"))
   return file:read "a"
end

local function exported(model, given)
   scute.export.onnx(model, path, given)
   return content()
end

-- A module whose forward is f(self, x), in a Sequential.
local function module(forward, build)
   local class = nn.Module:extend "Own"
   class.build, class.forward = build, forward
   return nn.Sequential(nn.Identity(), class())
end

local function refuses(pattern, model, given)
   local file = assert(io.open(path, "w"))
   file:write "as it was"
   file:close()
   local ok, why = pcall(scute.export.onnx, model, path, given or { shape = { 4 } })
   assert.is_false(ok)
   assert.matches(pattern, why)
   assert.equal("as it was", content())
end

local named

setup(function()
   named = os.tmpname()
   path = named .. ".onnx"
end)
teardown(function()
   os.remove(named)
   os.remove(path)
end)

describe("scute.export.onnx", function()
   it("folds batch norm, names tensors as the model does, and takes photos of the model's size", function()
      local text = exported(Small(3))
      for _, name in ipairs { "conv1.weight", "conv1.bias", "layer1.0.weight", "fc.weight", "logits", "small" } do
         assert.truthy(text:find(name, 1, true), name)
      end
      for _, name in ipairs { "running_mean", "bn1", "BatchNormalization", "layer1.1" } do
         assert.is_nil(text:find(name, 1, true), name)
      end
   end)

   it("keeps two tensors apart that come of one", function()
      local text = exported(module(function(self, x) return self.a(self.conv(x)), self.b(self.conv(x)) end, function(self)
         self.conv, self.a, self.b = nn.Conv2d { 3, 2, 1 }, nn.BatchNorm2d { 2 }, nn.BatchNorm2d { 2 }
      end), { shape = { 3, 2, 2 } })
      assert.truthy(text:find("1.conv.weight_2", 1, true))
      assert.truthy(text:find("1.conv.bias_2", 1, true))
      assert.is_nil(text:find("weight_3", 1, true))
   end)

   it("has the tensors of a layer once, however often it is called", function()
      local function count(text, name)
         return select(2, text:gsub(name, ""))
      end
      local text = exported(module(function(self, x) return self.a(self.conv(self.a(self.conv(x)))) end, function(self)
         self.conv, self.a = nn.Conv2d { 3, 3, 1 }, nn.BatchNorm2d { 3 }
      end), { shape = { 3, 2, 2 } })
      assert.same({ 3, 0 }, { count(text, "1%.conv%.weight"), count(text, "weight_2") }) -- as a tensor, and in two nodes
      text = exported(module(function(self, x) return self.fc(self.fc(x)) end, function(self) self.fc = nn.Linear { 4, 4 } end),
         { shape = { 3, 4 } })
      assert.same({ 3, 0 }, { count(text, "1%.fc%.weight_transposed"), count(text, "transposed_2") })
   end)

   it("computes once what is asked for twice", function()
      local function count(text, op) return select(2, text:gsub(('"%c%s'):format(#op, op), "")) end -- a node's op
      local twice = exported(module(function(self, x)
         return { a = self.conv(x):relu(), b = self.conv(x):relu() + self.conv(x):reshape { x.shape[1], 2, 2, 2 } }
      end, function(self) self.conv = nn.Conv2d { 3, 2, 1 } end), { shape = { 3, 2, 2 } })
      assert.equal(1, count(twice, "Conv"))
      assert.equal(1, count(twice, "Relu"))
      local model = scute.models.mobilenet_v2 { classes = 3 } -- which has a head of its own
      local scores, both = exported(model), exported(model, { outputs = "both" })
      assert.equal(count(scores, "Conv"), count(both, "Conv"))
      assert.truthy(#both < #scores + 500)
   end)

   it("writes f16 in half the bytes, and leaves the model as it was", function()
      local model = nn.Sequential(nn.Linear { 64, 64 }, nn.ReLU(), nn.Linear { 64, 64 })
      local before, bytes = scute.checksum(model:parameters()), 4 * model:num_parameters()
      local full, half = #exported(model, { shape = { 64 } }), #exported(model, { shape = { 64 }, dtype = "f16" })
      assert.truthy(full > bytes and full < bytes + 1000)
      assert.truthy(half > bytes / 2 and half < bytes / 2 + 1000)
      assert.equal(before, scute.checksum(model:parameters()))
      assert.is_true(model[1].weight.requires_grad and model.training)
   end)

   it("refuses in f16 a number that would be 0 there, but for those of weights and of what is computed in f32", function()
      local half = { shape = { 4 }, dtype = "f16" }
      local function by_norm(_, x) return x / (x:norm { dim = 2, keepdim = true } + 1e-8) end
      refuses("^export.onnx: 1 %(add%): constant.%d: a number of size 1e%-08 is 0 in f16.*export it in f32", module(by_norm),
         half)
      refuses("1 %(clamp%): constant:%d: a number of size 2e%-08 is 0", module(function(_, x) return x:clamp(2e-8) end), half)
      exported(module(by_norm), { shape = { 4 } })
      exported(module(function(_, x) return x:normalize() * scute.tensor { 1, 1e-8, 0, 1 } + 6e-8 end), half)
   end)

   it("names ops without a counterpart, and their layers, before anything is written", function()
      refuses("^export.onnx: no counterpart in ONNX for 1 %(multinomial%), 1 %(unique%): compute", module(function(_, x)
         return x:softmax(-1):multinomial(2), x:unique()[{ { 1, 2 } }]
      end))
   end)

   it("takes no kernel of one's own for the op whose name it has", function()
      local silu = scute.kernel { name = "silu", inputs = "x", output = "y", forward = "y = 2*x;" }
      refuses("^export.onnx: no counterpart in ONNX for 1 %(kernel 'silu'%): compute", module(function(_, x)
         return silu(x)
      end))
   end)

   it("refuses what goes by chance in evaluation mode too", function()
      refuses("1 %(dropout%): it drops at random", module(function(_, x) return scute.dropout(x, 0.5, true) end))
      refuses("1 %(stochastic_depth%): it drops at random", module(function(_, x)
         return scute.stochastic_depth { x = x, p = 0.5, training = true }
      end))
      refuses("1 %(batch_norm%): batch norm takes the statistics of each batch", module(function(_, x)
         return scute.batch_norm { x = x, training = true }
      end))
   end)

   it("refuses sizes that the file cannot say", function()
      refuses("1 %(one_hot%): how many classes there are is read of the values", module(function(_, x)
         return x:argmax(2):one_hot()
      end))
      refuses("1 %(reshape%): more than one new size depends on the number of samples", module(function(_, x)
         local n = x.shape[1]
         return x:matmul(x:permute(2, 1)):reshape(1, n, n):expand(4, n, n):reshape(2 * n, 2 * n)
      end))
   end)

   it("refuses names of outputs that are taken", function()
      refuses("are called 'input'", module(function(_, x) return { input = x:relu() } end))
      refuses("an output of the model has the name ''", module(function(_, x) return { [""] = x:relu() } end))
      refuses("'.+' is no text in UTF%-8", module(function(_, x) return { ["\xff"] = x:relu() } end))
      refuses("'.+' is no text in UTF%-8", module(function(self, x) return self["\xff"](x) end, function(self)
         self["\xff"] = nn.Linear { 4, 4 }
      end))
   end)

   it("says what a model lacks, and what it was given", function()
      refuses("a Sequential does not say what it takes: give the shape", nn.Sequential(nn.ReLU()), {})
      refuses("expected scores of a Sequential, which has no features", nn.Sequential(nn.ReLU()),
         { shape = { 4 }, outputs = "features" })
      scute.models.register("scores_alone", function(names)
         return module(function(self, x) return self.fc(x:mean { 3, 4 }) end, function(self)
            self.fc = nn.Linear { 3, #names }
         end)[2]
      end)
      refuses("expected scores of a Own, which has no features", scute.models.scores_alone { classes = 2, pretrained = "none" },
         { outputs = "both" })
      refuses("option 'shape': expected sizes", nn.Sequential(nn.ReLU()), { shape = { 4, 0 } })
      refuses("option 'dtype': expected one of f32, f16", nn.Sequential(nn.ReLU()), { dtype = "f64" })
      refuses("expected a model, found 5", 5)
      assert.has_error(function() scute.export.onnx(nn.ReLU()) end, "export.onnx: expected the path of a file, found nil")
      for _, name in ipairs { named, named .. "/.onnx", "best.safetensors" } do
         assert.error_matches(function() scute.export.onnx(nn.ReLU(), name, { shape = { 4 } }) end,
            "export.onnx: expected a path that ends in .onnx")
      end
   end)
end)
