-- Grad-CAM: which parts of a photo speak for a class (Selvaraju and others 2017, https://arxiv.org/abs/1610.02391).
--
--    local found = scute.gradcam(model, x, "loggerhead")      -- x: (1, 3, H, W), preprocessed
--    scute.plot.gradcam(photo, found):save "why.png"
--
-- The map is relu(sum over channels of weight * activation) of the last feature map before the pooling, each weight being the
-- mean over the map of d score / d activation. The score is the class's before the softmax.
local scute = require "scute"
local console = require "scute.base.console"

local is_pooling = { AdaptiveAvgPool2d = true, AvgPool2d = true, MaxPool2d = true }

-- Until the function returned is called, every direct child of the model that gives a feature map gives it as a leaf of its
-- own, so that a frozen backbone has gradients too and nothing before the last map is recorded twice.
local function watch(model, seen)
   local wrapped = {}
   for _, child in model:children() do
      if not is_pooling[child.class_name] then
         local forward = child.forward
         rawset(child, "forward", function(self, ...)
            local y = forward(self, ...)
            if #y.shape ~= 4 then return y end
            if seen.map then seen.map:free() end
            seen.map = y:detach():requires_grad_(true)
            y:free()
            return seen.map * 1 -- what the model frees is not the leaf
         end)
         wrapped[#wrapped + 1] = child
      end
   end
   return function()
      for _, child in ipairs(wrapped) do rawset(child, "forward", nil) end
   end
end

-- Parameters take part as constants: their own gradients, if there are any, stay as they are.
local function hold(model)
   local trained, training = {}, model.training
   for _, tensor in model:named_parameters() do
      if tensor.requires_grad then
         trained[#trained + 1] = tensor
         tensor:requires_grad_(false)
      end
   end
   model:eval()
   return function()
      for _, tensor in ipairs(trained) do tensor:requires_grad_(true) end
      if training then model:train() end
   end
end

local function class_number(model, class, scores)
   if class == nil then return scores:argmax(2):values()[1] end
   if type(class) == "string" then
      for i, name in ipairs(model.classes) do
         if name == class then return i end
      end
      local near = scute.nearest(class, model.classes)
      error(("gradcam: no class '%s'%s"):format(class, near and ("; did you mean '%s'?"):format(near) or ""), 0)
   end
   if math.type(class) ~= "integer" or class < 1 or class > #model.classes then
      error(("gradcam: expected a class from 1 to %d or its name, found %s"):format(#model.classes, tostring(class)), 0)
   end
   return class
end

local function map_of(activation, gradient)
   local channels, h, w = activation.shape[2], activation.shape[3], activation.shape[4]
   local a, g = activation:totable()[1], gradient:totable()[1]
   local map, most = {}, 0.0
   for i = 1, h do
      map[i] = {}
      for j = 1, w do map[i][j] = 0.0 end
   end
   for c = 1, channels do
      local sum = 0.0
      for i = 1, h do
         for j = 1, w do sum = sum + g[c][i][j] end
      end
      local weight = sum / (h * w)
      for i = 1, h do
         for j = 1, w do map[i][j] = map[i][j] + weight * a[c][i][j] end
      end
   end
   for i = 1, h do
      for j = 1, w do
         map[i][j] = math.max(map[i][j], 0)
         most = math.max(most, map[i][j])
      end
   end
   local scaled = {}
   for i = 1, h do
      scaled[i] = {}
      for j = 1, w do scaled[i][j] = most > 0 and map[i][j] / most or 0.0 end
   end
   return scaled, map
end

local function compute(model, x, class, seen)
   local scores = model(x)
   if not seen.map then error("gradcam: this model has no feature map before its head", 0) end
   local number = class_number(model, class, scores)
   local probability = scores:detach():softmax(-1):totable()[1][number]
   scores[{ {}, { number, number } }]:sum():backward()
   local scaled, raw = map_of(seen.map:detach(), seen.map.grad)
   return { map = scaled, raw = raw, class = number, name = model.classes[number], probability = probability,
      score = scores:detach():totable()[1][number] }
end

--- Where a model looks for a class. model: one of scute.models, frozen or not, in any mode. x: one preprocessed photo
-- (1, 3, H, W). class: its name or number (default: the one that the model finds). Parameters, their gradients, running
-- statistics and the mode of the model stay as they were.
-- Returns { map = rows of 0..1 (scaled to the largest), raw = rows before scaling, class, name, probability, score }.
return function(model, x, class)
   if type(x) ~= "userdata" or not x.shape or #x.shape ~= 4 or x.shape[1] ~= 1 then
      error("gradcam: expected one photo (1, 3, H, W), found " .. console.brief(x), 2)
   end
   if type(model) ~= "table" or not model.head_path then
      error("gradcam: expected a model of scute.models, found " .. console.brief(model), 2)
   end
   local seen = {}
   local release, restore = hold(model), watch(model, seen)
   local before = scute.set_recording(true)
   local results = table.pack(pcall(compute, model, x, class, seen))
   scute.set_recording(before)
   restore()
   release()
   if seen.map then seen.map:free() end
   if not results[1] then error(results[2], 0) end
   return results[2]
end
