-- Learning rates by depth: tables {group = rate} for model:groups { lr = ... }.
--
-- Pretrained layers near the stem see edges and colors that any photo has; those near the head are about ImageNet's
-- classes. So a lower rate the deeper, as in ULMFiT (Howard and Ruder 2018, "discriminative fine-tuning") and fastai.
local rates = {}

local function check_rate(what, value)
   if type(value) ~= "number" or not (value > 0 and value < math.huge) then
      error(("%s: expected a learning rate above 0, found %s"):format(what, tostring(value)), 3)
   end
end

-- Names of the backbone's groups, from the stem on, and of the head.
local function split(model)
   local names = {}
   for i, group in ipairs(model:group_paths()) do names[i] = group[1] end
   return names, table.remove(names)
end

--- optim.layer_decay(model, lr, decay, head_lr): the group before the head gets `lr`, each one further from it `decay`
-- (above 0, up to 1) times the rate of the one behind it. The head gets head_lr (default `lr`).
function rates.layer_decay(model, lr, decay, head_lr)
   check_rate("layer_decay", lr)
   check_rate("layer_decay: head", head_lr or lr)
   if type(decay) ~= "number" or not (decay > 0 and decay <= 1) then
      error(("layer_decay: expected a decay above 0 and of at most 1, found %s"):format(tostring(decay)), 2)
   end
   local backbone, head = split(model)
   local by_group = { [head] = head_lr or lr }
   for i, name in ipairs(backbone) do by_group[name] = lr * decay ^ (#backbone - i) end
   return by_group
end

--- optim.lr_range(model, low, high): `low` for the stem, `high` for the head, the groups between them in equal ratios.
function rates.lr_range(model, low, high)
   check_rate("lr_range", low)
   check_rate("lr_range", high)
   if low > high then
      error(("lr_range: the range is empty: the stem's rate %g is above the head's, %g"):format(low, high), 2)
   end
   local names, head = split(model)
   names[#names + 1] = head
   local by_group = {}
   for i, name in ipairs(names) do by_group[name] = low * (high / low) ^ (#names > 1 and (i - 1) / (#names - 1) or 1) end
   return by_group
end

return rates
