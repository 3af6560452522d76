-- What a model computes as a list of ops (scute.export.trace), and what cannot be one.
local scute = require "scute"
local fold = require "scute.export.fold"
local tracing = require "scute.export.trace"
local nn = scute.nn

local INPUT = { shape = { 3, 4, 4 }, dtype = "f32", device = "cpu" }

-- A module whose forward is f(self, x), set up by build(self).
local function module(forward, build)
   local class = nn.Module:extend "Traced"
   class.build, class.forward = build, forward
   return class()
end

local function graph_of(forward, build)
   return tracing.graph(module(forward, build), INPUT)
end

local function ops(graph)
   local list = {}
   for i, node in ipairs(graph.nodes) do list[i] = node.op end
   return table.concat(list, " ")
end

local function refuses(pattern, forward, build)
   local ok, why = pcall(graph_of, forward, build)
   assert.is_false(ok)
   assert.matches(pattern, why)
   assert.equal("relu", ops(graph_of(function(_, x) return x:relu() end))) -- and nothing is left of it
end

describe("a traced model", function()
   it("is its ops in order, with the layers that call them, their arguments and named constants", function()
      local graph = tracing.graph(nn.Sequential(nn.Conv2d { 3, 2, 3, stride = { 1, 2 } }, nn.ReLU(), nn.Flatten(),
         nn.Linear { 4, 5, bias = false }), INPUT)
      assert.equal("conv2d relu flatten linear", ops(graph))
      local conv, _, flatten, linear = table.unpack(graph.nodes)
      assert.same({ "0", "2", "3" }, { conv.layer, flatten.layer, linear.layer })
      assert.same({ 1, 2 }, conv.attrs.stride)
      assert.equal(1, conv.attrs.groups)
      assert.equal(1, conv.inputs[1])
      assert.equal("0.weight", graph.constants[conv.inputs[2]].name)
      assert.equal("0.bias", graph.constants[conv.inputs[3]].name)
      assert.same({ flatten.outputs[1], linear.inputs[2], false }, linear.inputs)
      assert.equal(1, flatten.attrs.from) -- dimensions count from 0
      assert.same({ { id = linear.outputs[1], name = "logits" } }, graph.outputs)
   end)

   it("tells sizes, and which of them grow with the batch", function()
      local graph = graph_of(function(_, x) return x:reshape(-1, 16):permute(2, 1) end)
      local value = graph.values[graph.outputs[1].id]
      assert.same({ 16, 3 * tracing.BATCH }, value.shape)
      assert.same({ 0, 3 }, value.grows)
      assert.same({ tracing.BATCH, 3, 4, 4 }, graph.values[1].shape)
      graph = graph_of(function(_, x) return x:reshape(x.shape[1], x.shape[2] * 16) end)
      assert.same({ shape = true }, graph.nodes[1].varies)
   end)

   it("is traced in evaluation mode and full width, and stays in the mode that it was in", function()
      local frozen = nn.Dropout { p = 0.5 }
      local model = nn.Sequential(nn.Dropout { p = 0.5 }, nn.Conv2d { 3, 2, 1 }, nn.BatchNorm2d { 2 }, frozen)
      frozen:eval()
      local before = scute.checksum { model[3].running_mean, model[3].num_batches_tracked }
      scute.manual_seed(5)
      local graph = scute.autocast("bf16", tracing.graph, model, INPUT)
      local drawn = scute.randn(1):item()
      assert.equal("conv2d batch_norm", ops(graph))
      assert.equal("f32", graph.values[graph.nodes[1].outputs[1]].dtype)
      assert.is_true(model.training and model[1].training)
      assert.is_false(frozen.training)
      assert.equal(before, scute.checksum { model[3].running_mean, model[3].num_batches_tracked })
      scute.manual_seed(5)
      assert.equal(drawn, scute.randn(1):item())
   end)

   it("tells which arguments an op has found itself", function()
      local node = graph_of(function(_, x) return x:argmax(2):flatten(2):one_hot() end).nodes[3]
      assert.is_true(node.completed.classes)
      node = graph_of(function(_, x) return x:argmax(2):flatten(2):one_hot(3) end).nodes[3]
      assert.equal(3, node.attrs.classes)
      assert.is_false(node.completed.classes)
   end)

   it("has what forward makes of constants as constants, and numbers too", function()
      local graph = graph_of(function(self, x)
         return x * (self.scale:exp() + scute.arange(1, 3):to "f32":reshape(3, 1, 1)) + 2
      end, function(self) self.scale = nn.Parameter(scute.zeros(3, 1, 1)) end)
      assert.equal("mul add", ops(graph))
      assert.same({ 2, 3, 4 }, graph.constants[graph.nodes[1].inputs[2]].tensor:values())
      assert.equal(2, graph.constants[graph.nodes[2].inputs[2]].tensor:item())
   end)

   it("has one constant for all samples where there is one for each", function()
      local graph = graph_of(function(self, x)
         return scute.concat({ self.token:expand(x.shape[1], 1, 4), x:reshape(x.shape[1], 12, 4) }, 2)
      end, function(self) self.token = nn.Parameter(scute.randn(1, 1, 4)) end)
      local token = graph.constants[graph.nodes[2].inputs[1]]
      assert.equal(1, token.expand)
      assert.same({ 1, 1, 4 }, token.tensor.shape)
   end)

   it("names what it returns: several results, a list, a table", function()
      local function names(forward)
         local list = {}
         for i, output in ipairs(graph_of(forward).outputs) do list[i] = output.name end
         return table.concat(list, " ")
      end
      assert.equal("output1 output2", names(function(_, x) return x:relu(), x:sigmoid() end))
      assert.equal("output1 output2", names(function(_, x) return { x:relu(), x:sigmoid() } end))
      assert.equal("output1 output3", names(function(_, x) return { x:relu(), nil, x:sigmoid() } end))
      assert.equal("output1 output3", names(function(_, x) return x:relu(), nil, x:sigmoid() end))
      assert.equal("boxes scores_1 scores_2", names(function(_, x)
         return { scores = { x:relu(), x:tanh() }, boxes = x:sigmoid() }
      end))
   end)

   it("takes detach, clone and ops that change nothing for what they are", function()
      local graph = graph_of(function(_, x) return x:detach():clone():to "f32":dropout(0.5, false):relu() end)
      assert.equal("relu", ops(graph))
      assert.equal(1, graph.nodes[1].inputs[1])
   end)

   it("need not take a single sample, of which some ops change nothing", function()
      assert.equal("slice relu", ops(graph_of(function(_, x) return x:slice(1, 2, 2):relu() end)))
      assert.equal("mean expand relu", ops(graph_of(function(_, x)
         return x:mean { dim = 1, keepdim = true }:expand(x.shape[1], -1, -1, -1):relu()
      end)))
      assert.equal("relu reshape reshape tanh", ops(graph_of(function(_, x)
         return x:relu():reshape(1, -1, 4):reshape(-1, 3, 4, 4):tanh()
      end)))
   end)

   it("that is a part of another one has its own paths", function()
      local outer = nn.Sequential(nn.Identity(), nn.Sequential(nn.Conv2d { 3, 2, 1 }))
      assert.equal("0", tracing.graph(outer[2], INPUT).nodes[1].layer)
      assert.equal("1.0", tracing.graph(outer, INPUT).nodes[1].layer)
   end)
end)

describe("a model that decides by its input in Lua", function()
   local Layer = nn.Module:extend "Layer"

   function Layer:forward(x) -- luacheck: ignore self
      return x:max():item() > 0 and x or -x
   end

   it("is refused where it reads values, by layer and line", function()
      refuses("in inner %(Layer%): .-read in Lua.-\n\t%[C%]: in method 'item'\n\ttests/lua/export_trace_spec.lua:%d+",
         function(self, x) return self.inner(x) end, function(self) self.inner = Layer() end)
      refuses("read in Lua.-in method 'values'", function(_, x) return scute.tensor(x:mean(2):values()) * x:mean() end)
      refuses("read in Lua.-in method 'totable'", function(_, x) return x * #x:totable() end)
   end)

   it("is refused where it goes by the number of samples", function()
      refuses("^relu: sigmoid is called with another batch: the model decides in Lua", function(_, x)
         return x.shape[1] == tracing.BATCH and x:relu() or x:sigmoid()
      end)
      refuses("^sigmoid: is called only with another batch", function(_, x)
         return x.shape[1] == tracing.BATCH and x:relu() or x:relu():sigmoid()
      end)
      refuses("^relu: sigmoid", function(_, x) return x.shape[1] > tracing.BATCH and x:sigmoid() or x:relu() end)
      refuses("^relu: sigmoid is called with another batch: the model decides in Lua", function(_, x)
         return x.shape[1] == 1 and x:sigmoid() or x:relu()
      end)
      refuses("^relu: is called only with another batch", function(_, x)
         local y = x:exp()
         return x.shape[1] == 1 and y:relu() or y
      end)
   end)

   it("is refused where tensors made in forward differ from one call to the next", function()
      refuses("^mul: a tensor that forward makes for it differs", function(_, x) return x * scute.rand(3, 1, 1) end)
      refuses("^add: a tensor that forward makes", function(self, x)
         scute.no_grad(function() self.kept:copy_(x:mean({ 1, 2, 3, 4 })) end)
         return x + self.kept
      end, function(self) self:register_buffer("kept", scute.zeros {}) end)
      refuses("^mul: a tensor that forward makes", function(_, x)
         return x * scute.arange(1, x.shape[1]):to "f32":reshape(-1, 1, 1, 1)
      end)
      refuses("^div: a tensor that forward makes", function(_, x) return x / x.shape[1] end)
      refuses("^mul: a tensor that forward makes", function(_, x) return x * scute.full({ x.shape[1], 1, 1, 1 }, #x) end)
   end)

   it("is refused where it gives nothing of the input, or no tensor", function()
      refuses("output 'logits' does not depend on the input", function() return scute.ones(2) end)
      refuses("the model returned 5; expected a tensor", function() return 5 end)
      refuses("the model returned nil; expected", function() end)
      refuses("the model returned nothing; expected", function() return {} end)
      refuses("the model returned a table with the key true; expected names", function(_, x) return { [true] = x:relu() } end)
   end)
end)

describe("batch norm after a convolution", function()
   local function folded(forward)
      return ops(fold(graph_of(forward, function(self)
         self.conv, self.bn, self.other = nn.Conv2d { 3, 2, 1 }, nn.BatchNorm2d { 2 }, nn.BatchNorm2d { 2 }
      end)))
   end

   it("becomes one node with it, unless the convolution's result goes elsewhere too", function()
      assert.equal("conv_bn_act relu", folded(function(self, x) return self.bn(self.conv(x)):relu() end))
      assert.equal("conv2d batch_norm add", folded(function(self, x)
         local y = self.conv(x)
         return self.bn(y) + y
      end))
      assert.equal("conv2d batch_norm batch_norm add", folded(function(self, x)
         local y = self.conv(x)
         return self.bn(y) + self.other(y)
      end))
      assert.equal("conv_bn_act batch_norm", folded(function(self, x) return self.other(self.bn(self.conv(x))) end))
      assert.equal("conv2d batch_norm", folded(function(self, x)
         local y = self.conv(x)
         return y, self.bn(y)
      end))
   end)
end)
