-- Whether GCC makes vector instructions of what kernels become, by what it says of each loop.
local build = require "scute.kernel.build"
local c_text = require "scute.kernel.c_text"
local functions = require "scute.kernel.functions"
local names = require "scute.kernel.names"
local scute = require "scute"

local function output_of(command)
   local pipe = assert(io.popen(command .. " 2>&1"))
   local text = pipe:read "a"
   pipe:close()
   return text
end

local function is_gcc()
   return output_of(scute.own_op_compiler() .. " --version"):find("Free Software Foundation", 1, true) ~= nil
end

-- Of a kernel's source: what stands before its loops, and those on floats, which GCC is to call "NAME forward" and so on.
local function loops(name, forward, backward)
   local function read(text, reads, writes) return assert(names.read(text, name, reads, writes, "")) end
   local given = { x = "an input", y = "an output", gy = "a gradient" }
   local source = c_text.source { label = name, numbers = {}, outputs = { { "y", 0 } }, gradients = { { "gx", 0 } },
      forward = read(forward, { x = "an input" }, { y = "an output" }),
      backward = backward and read(backward, given, { gx = "a gradient" }),
      reads = { { "x", 0 }, { "y", 1 }, { "gy", 2 } } }
   local head, text = source:match "^(.-)(static inline int8_t run_.-)#undef "
   text = text:gsub("static inline int8_t run_(%l+)", ('#line 1 "%s %%1"\n%%0'):format(name))
   return head, (text:gsub("([n_e]_)(%l+ward)", "%1" .. name .. "_%2"))
end

-- What GCC says of the loops of kernels, { name, forward, backward } each.
local function said(kernels)
   local parts = {}
   for i, kernel in ipairs(kernels) do parts[0], parts[i] = loops(table.unpack(kernel)) end
   local path = os.tmpname()
   local done, problem = build.load { source = parts[0] .. table.concat(parts),
      flags = { "-fno-ipa-icf", "-fopt-info-vec-optimized=" .. path }, -- those that are the same are seen too
      include = scute.module_file("scute"):match "^(.*)/lua/scute/init%.lua$", is_final = function() return true end,
      open = os.remove } -- not to be kept
   assert(done, problem and problem.said)
   local file = assert(io.open(path))
   local text = file:read "a"
   file:close()
   os.remove(path)
   return text
end

describe("the loops of a kernel", function()
   if not is_gcc() then return pending "are looked at with GCC" end

   it("are vectorised, whichever function they call, and many of them", function()
      local kernels = { { "many", "y = x;" .. ("y += exp(y);"):rep(12) },
         { "quotient", "y = 1 / (1 + exp(-x));", "gx = gy * y * (1 - y);" }, { "e", "y = exp(x);", "gx = gy * y;" },
         { "l", "y = log(x);", "gx = gy / x;" }, { "mish", "y = x * tanh(log1p(exp(x)));",
            "float t = tanh(log1p(exp(x))); gx = gy * (t + x * (1 - t * t) * sigmoid(x));" } }
      for _, entry in ipairs(functions.list) do
         kernels[#kernels + 1] = { entry[1], ("y = %s(x%s);"):format(entry[1], (", 0.5"):rep(entry[2] - 1)) }
      end
      local found, slow = said(kernels), {}
      for _, kernel in ipairs(kernels) do
         for _, loop in ipairs { "forward", kernel[3] and "backward" } do
            local name = kernel[1] .. " " .. loop
            if not ("\n" .. found):find("\n" .. name .. ":%d+:%d+: optimized: loop vectorized") then slow[#slow + 1] = name end
         end
      end
      assert.same({}, slow)
   end)
end)
