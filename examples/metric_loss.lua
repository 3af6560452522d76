-- An embedding learned by ArcFace, and what it is for: to tell apart individuals that it has never seen. Each is a point whose
-- numbers are mixed with others that say nothing of it. Run it:  ./scute examples/metric_loss.lua
local scute = require "scute"
local losses, nn, optim = scute.losses, scute.nn, scute.optim
scute.manual_seed(1)

local MARKS, OTHERS, TIMES = 6, 26, 8
local mixing = scute.randn(MARKS + OTHERS, MARKS + OTHERS)

-- n individuals, each seen 8 times: what is seen (8n, 32), and of whom (8n), numbers from 1.
local function sightings(n)
   local who = scute.arange(0, n * TIMES - 1):div(TIMES):floor():to "i64" + 1
   local marks = scute.randn(n, MARKS):index_select(1, who) + scute.randn(n * TIMES, MARKS) * 0.2
   return scute.concat({ marks, scute.randn(n * TIMES, OTHERS) }, 2):matmul(mixing), who
end

-- The share of rows whose most alike other row is of the same individual.
local function found_again(x, who)
   local rows = x:normalize()
   local alike = rows:matmul(rows:transpose(1, 2)) - scute.eye(x.shape[1]) * 2
   return who:index_select(1, alike:argmax(2)):eq(who):to("f32"):mean():item()
end

local x, y = sightings(60)
local others, names = sightings(40)
local head = nn.EmbeddingHead { in_features = 32, classes = 60, features = 16 }
local optimizer, loss = optim.adamw(head:groups { lr = 0.01 }), losses.arcface { margin = 0.3, scale = 16 }
for step = 1, 100 do
   local value = loss(head(x), y)
   optimizer:zero_grad()
   value:backward()
   optimizer:step()
   if step % 50 == 0 then print(("step %d: loss %.3f"):format(step, value:item())) end
end
print(("new individuals found again, by what is seen: %.3f"):format(found_again(others, names)))
print(("by the embedding: %.3f"):format(found_again(head:eval():embed(others), names)))
