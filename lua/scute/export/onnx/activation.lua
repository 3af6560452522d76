-- Activations, softmax, and what does nothing but in training.
local dtypes = require "scute.export.onnx.dtypes"

local activation = {}

local function plain(kind, attributes)
   return function(g, _, names) return g:node(kind, { names[1] }, attributes) end
end

activation.sigmoid = plain "Sigmoid"
activation.tanh = plain "Tanh"
activation.hardswish = plain "HardSwish"
activation.hardsigmoid = plain("HardSigmoid", { alpha = 1 / 6, beta = 0.5 })

-- Bytes have no sign.
function activation.relu(g, node, names)
   return node.from[1].dtype == "u8" and names[1] or g:node("Relu", { names[1] })
end

function activation.relu6(g, node, names)
   local dtype = node.from[1].dtype
   local computed = dtypes.computed(dtype)
   local x = dtypes.input(g, node, names, 1, computed)
   return dtypes.stored(g, g:node("Clip", { x, g:number(0, computed), g:number(6, computed) }), dtype)
end

function activation.silu(g, _, names)
   return g:node("Mul", { names[1], g:node("Sigmoid", { names[1] }) })
end

-- x / 2 * (1 + what is between -1 and 1)
local function half_of(g, x, between)
   return g:node("Mul", { g:node("Mul", { x, g:number(0.5) }), g:node("Add", { between, g:number(1) }) })
end

local function gelu_tanh(g, x)
   local cube = g:node("Mul", { g:node("Mul", { x, x }), x })
   local inner = g:node("Add", { x, g:node("Mul", { cube, g:number(0.044715) }) })
   return half_of(g, x, g:node("Tanh", { g:node("Mul", { inner, g:number(math.sqrt(2 / math.pi)) }) }))
end

function activation.gelu(g, node, names)
   local x = names[1]
   if node.attrs.approximate == "tanh" then return gelu_tanh(g, x) end
   return half_of(g, x, g:node("Erf", { g:node("Mul", { x, g:number(math.sqrt(0.5)) }) }))
end

-- log(1 + exp(beta x)) / beta, and x itself where beta x is above the threshold.
function activation.softplus(g, node, names)
   local x, beta, threshold = names[1], node.attrs.beta, node.attrs.threshold
   local scaled = beta == 1 and x or g:node("Mul", { x, g:number(beta) })
   local soft = g:node("Softplus", { scaled })
   if beta ~= 1 then soft = g:node("Div", { soft, g:number(beta) }) end
   return g:node("Where", { g:node("Greater", { scaled, g:number(threshold) }), x, soft })
end

function activation.softmax(g, node, names)
   return g:node("Softmax", { names[1] }, { axis = node.attrs.dim })
end

function activation.log_softmax(g, node, names)
   return g:node("LogSoftmax", { names[1] }, { axis = node.attrs.dim })
end

local function refuse_random(node)
   if node.attrs.training and node.attrs.p > 0 then
      error("it drops at random in evaluation mode too, which cannot be exported: pass self.training for `training`", 0)
   end
end

function activation.dropout(_, node, names)
   refuse_random(node)
   return names[1]
end

function activation.stochastic_depth(g, node, names)
   refuse_random(node)
   return names[2] and g:node("Add", { names[1], names[2] }) or names[1]
end

return activation
