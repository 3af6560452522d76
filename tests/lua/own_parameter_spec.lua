-- Parameters of one's own in a module: nn.Parameter, and what a module holds that would not train.
local scute = require "scute"
local nn = scute.nn

local function class(build)
   local new = nn.Module:extend "Own"
   new.build = build
   return new
end

local function names(module)
   local list = {}
   for name in module:named_parameters() do list[#list + 1] = name end
   return list
end

describe("nn.Parameter", function()
   it("becomes a parameter of the module that it is assigned to", function()
      local Own = class(function(self)
         self.inner = nn.Linear(2, 2)
         self.scale = nn.Parameter(scute.full({ 2 }, 0.5))
      end)
      function Own:forward(x) return self.inner(x) * self.scale end
      local module = Own()
      assert.same({ "scale", "inner.weight", "inner.bias" }, names(module))
      local outer = nn.Sequential { module }
      local optimizer = scute.optim.sgd(outer:groups { lr = 1 })
      outer(scute.ones(1, 2)):sum():backward()
      optimizer:step()
      assert.not_same({ 0.5, 0.5 }, module.scale:values())
      local other = nn.Sequential { Own() }
      other:load_state_dict(outer:state_dict())
      assert.same(module.scale:values(), other[1].scale:values())
      assert.equal("f64", outer:to("f64")[1].scale.dtype)
      module.later = nn.Parameter(scute.zeros(3))
      assert.same({ "scale", "later", "inner.weight", "inner.bias" }, names(module))
   end)

   it("takes what was computed as it is now", function()
      local own = nn.Parameter(scute.ones(2):requires_grad_() * 3)
      assert.is_true(own.is_leaf and own.requires_grad)
      assert.same({ 3, 3 }, own:values())
   end)

   it("trains or not, as is said", function()
      local module = class(function(self)
         self.first = nn.Parameter(scute.ones(1), false)
         self.second = nn.Parameter(scute.ones(1), { requires_grad = false })
         self.third = nn.Parameter(scute.ones(1)):requires_grad_(false)
         self.fourth = nn.Parameter(scute.ones(1), true)
         self:register_parameter("fifth", nn.Parameter(scute.ones(1), false))
      end)()
      assert.same({ "first", "second", "third", "fourth", "fifth" }, names(module))
      assert.equal(1, module:num_parameters(true))
      assert.error_matches(function() nn.Parameter(scute.ones(1), 1) end, "nn.Parameter: .*'requires_grad': expected true or")
   end)

   it("stays frozen where another module takes it", function()
      local teacher, student = nn.Linear(2, 2):freeze():to "f64", nn.Linear(2, 2)
      student.weight = teacher.weight
      assert.is_false(teacher.weight.requires_grad)
      student.bias = scute.ones(2)
      assert.is_true(student.bias.requires_grad)
   end)

   it("is one too where a plain tensor was before", function()
      local module = class(function(self)
         self.scale, self.later = scute.ones(2), scute.ones(3)
         self.scale = nn.Parameter(self.scale * 2)
      end)()
      assert.same({ "scale" }, names(module))
      module.later = nn.Parameter(scute.zeros(3))
      assert.equal(2, #module:groups { lr = 1 }[1].parameters)
      assert.same({ "scale", "later" }, names(module))
      assert.same({ "scale", "later" }, module:state_dict().names)
      module.later = scute.ones(3)
      assert.same({ 1, 1, 1 }, module:state_dict().tensors.later:values())
      assert.is_true(module.later.requires_grad)
   end)

   it("takes no name that is a child's or a buffer's, nor a child that of a parameter", function()
      local norm, outer = nn.BatchNorm2d(2), nn.Sequential { nn.Identity() }
      assert.error_matches(function() norm.running_mean = nn.Parameter(scute.zeros(2)) end,
         "BatchNorm2d: 'running_mean' is a buffer, which does not train; assign a plain tensor to it, or take another name")
      assert.error_matches(function() norm:register_parameter("running_var", scute.zeros(2)) end, "'running_var' is a buffer")
      assert.error_matches(function() outer["0"] = nn.Parameter(scute.zeros(2)) end, "'0' is a child module; assign a module")
      assert.error_matches(function() norm.weight = nn.Identity() end, "'weight' is a parameter; assign a tensor to it")
      assert.same({ "weight", "bias" }, names(norm))
   end)

   it("takes floating-point tensors alone", function()
      assert.error_matches(function() nn.Parameter(3) end, "nn.Parameter: expected a tensor, found 3")
      local whole = scute.tensor({ 1 }, { dtype = "i64" })
      assert.error_matches(function() nn.Parameter(whole) end, "floating%-point tensor, found i64")
      assert.error_matches(function() return scute.Parameter end, "did you mean 'scute.nn.Parameter'")
   end)
end)

describe("a module that has been built", function()
   it("holds nothing that would not train", function()
      for text, build in pairs {
         ["own_parameter_spec.lua:%d+: Own: the tensor 'scale' wants a gradient and is no parameter"] = function(self)
            self.scale = scute.ones(3):requires_grad_()
         end,
         ["self.scale = nn.Parameter%(tensor%)"] = function(self) self.scale = scute.ones(3):requires_grad_() * 2 end,
         ["'blocks' is a plain table with modules in it"] = function(self) self.blocks = { nn.Linear(1, 1) } end,
         ["'teacher' is a plain table .* under a name that begins with _ it is kept out on purpose"] = function(self)
            self.teacher = { nn.Linear(1, 1) }
         end,
         ["'scales' is a plain table with parameters in it"] = function(self) self.scales = { nn.Parameter(scute.ones(1)) } end,
      } do
         local ok, message = pcall(function()
            local module = class(build)()
            return module
         end)
         assert.is_false(ok)
         assert.matches(text, message)
      end
   end)

   it("may hold what it has registered, and what wants no gradient, in any way", function()
      local module = class(function(self)
         self.list = { self:add("first", nn.Linear(1, 1)) }
         self._teacher = { nn.Linear(1, 1) }
         self.mean, self.sizes = scute.ones(3), { 1, 2 }
         self:register_parameter("scale", scute.ones(1))
         self.scales = { self.scale }
      end)()
      assert.same({ "scale", "first.weight", "first.bias" }, names(module))
   end)
end)
