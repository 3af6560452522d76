-- In what precision a network computes: "fp32", "fp32_strict", "bf16", "fp16", or "auto", which is bfloat16 where the device
-- computes in it and that is faster, on a GPU without bfloat16 but with tensor cores float16, and float32 elsewhere. In "fp32"
-- GPUs since Ampere round the factors of convolutions to 10 bits (TensorFloat-32, see scute.tf32), as PyTorch lets them; in
-- "fp32_strict" they do not.
--
-- When it is faster was measured on a CPU with avx512_bf16, one thread: training steps of resnet18 and 50, efficientnet_b0 and
-- b3, mobilenet_v2 and baseline_cnn take 0.5 to 0.97 of the time of float32 for batches of 40,000 pixels (10 photos of 64
-- pixels, 1 of 224) and more; with 16,000 pixels efficientnet_b0 takes 1.0 to 1.1 of it.
--
-- In half precision the products of a network (convolutions, linear layers) and what lies between them are half-width;
-- logits, losses, statistics of batch norm, weights, gradients and the optimizer's state stay float32, and so do all files.
local scute = require "scute.core"
local console = require "scute.base.console"

local precision = {}

local NAMES = { "auto", "fp32", "fp32_strict", "bf16", "fp16" }

local DTYPES = { fp32 = "f32", fp32_strict = "f32", bf16 = "bf16", fp16 = "f16" }
local NAME_OF = { f32 = "fp32", bf16 = "bf16", f16 = "fp16" }
local LEAST = 40000 -- pixels of a batch from which on bfloat16 is faster on a CPU

precision.NAMES = NAMES

--- The option of those who look at a model, as scute.base.options has it.
precision.OF_LOOKING = { "precision", choices = NAMES,
   show = "the model's own, where the device computes in it", help = "what the network computes in" }

-- Tensor cores are made for half width, Volta's and Turing's for float16 alone. Before them it was as slow as float32.
local function automatic(device, pixels)
   local has_cores = scute.computes(device, "tensor_cores")
   if scute.computes(device, "bf16") and (has_cores or pixels >= LEAST) then return "bf16" end
   return has_cores and "f16" or "f32"
end

--- The dtype of products for a name on a device; warns where the device has that dtype for storage only. pixels: of a batch
-- (default: many).
function precision.dtype(name, device, pixels)
   if name == "auto" then return automatic(device, pixels or LEAST) end
   local dtype = DTYPES[name]
   if not scute.computes(device, dtype) then
      console.warn("%s has no %s arithmetic: it is computed in float32 and rounded, which takes longer than fp32", device, name)
   end
   return dtype
end

--- The name of what a device computes in, where a name other than "auto" was not asked for. float32 without TensorFloat-32 is
-- "fp32_strict", whoever switched that off.
function precision.name(name, dtype, device)
   if name == "fp32_strict" then return name end
   local _, rounds = scute.tf32()
   return dtype == "f32" and not rounds and scute.computes(device, "tf32") and "fp32_strict" or NAME_OF[dtype]
end

--- Until the value that it returns goes out of scope, what is computed in float32 is computed as the name says.
function precision.hold(name)
   local products, convolutions = scute.tf32()
   if name == "fp32_strict" then scute.tf32(false) end
   return setmetatable({}, { __close = function() scute.tf32(products, convolutions) end })
end

--- The dtype in which a device says what a model said when it validated: the model's own precision (nil: float32), or float32
-- where the device does not compute in that, which is told in one line.
function precision.of_model(name, device)
   local dtype = DTYPES[name or "fp32"] or "f32"
   if dtype == "f32" or scute.computes(device, dtype) then return dtype end
   console.warn("the model was trained in %s, which %s does not compute in; it is looked at in fp32", name, device)
   return "f32"
end

--- The name of the precision in which a model is looked at, for who does so several times: what of_model has to tell is told
-- once. asked: what the user said, which is left as it is; nil: the model's own.
function precision.of_looking(asked, own, device)
   if asked or own == "fp32_strict" then return asked or own end
   return NAME_OF[precision.of_model(own, device)]
end

--- f(...) with products of that dtype (nil: float32); what it returns is one tensor, of float32.
function precision.call(dtype, f, ...)
   local y = scute.autocast(dtype or "f32", f, ...)
   if y.dtype == "f32" then return y end
   local wide = y:to "f32"
   y:free()
   return wide
end

return precision
