-- Kernels that are whole functions: the body of a C function, which gets the memory of tensors as it is, and what calls it.
--
--    local flip = scute.kernel {
--       name = "flip", inputs = "x", output = "y",
--       c = [[
--          for (int64_t i = 0; i < x_size; i++) y[i] = x[x_size - 1 - i];
--       ]],
--    }
--
-- What the body knows by the names that were declared: see scute.kernel.
local scute = require "scute.core"
local build = require "scute.kernel.build"
local console = require "scute.base.console"
local cuda = require "scute.kernel.cuda"
local cuda_whole = require "scute.kernel.cuda_whole"
local identity = require "scute.kernel.identity"
local mask = require "scute.kernel.mask"
local options = require "scute.base.options"
local sorted_keys = require "scute.base.sorted_keys"
local tokens = require "scute.kernel.tokens"

local whole = {}

-- Layers are loaded where a whole function is called: kernels of each element are there sooner without.
local function is_tensor(value)
   return require("scute.nn.module").is_tensor(value)
end

local MAXRANK = 8
local MOST = 16 -- parameters of an op

-- ---- the texts ----

local CLOSES = { [")"] = "(", ["}"] = "{", ["]"] = "[" }

local DIRECTIVES = {}
for word in ([[atomic barrier cancel cancellation critical declare flush for loop master masked ordered parallel scan section
   sections simd single task taskgroup taskloop taskwait taskyield threadprivate]]):gmatch "%S+" do DIRECTIVES[word] = true end

-- A compiler passes over a directive that it does not know, and the loop has one thread.
local function check_directives(plain, label)
   local line = 0
   for text in (plain .. "\n"):gmatch "(.-)\n" do
      line = line + 1
      local kind = text:match "^%s*#%s*pragma%s+([%w_]+)"
      if kind and kind ~= "omp" and scute.nearest(kind, { "omp" }) then
         return ("%s, line %d: C has no '#pragma %s'; did you mean 'omp'?"):format(label, line, kind)
      end
      local word = text:match "^%s*#%s*pragma%s+omp%s+([%w_]*)"
      if word and not DIRECTIVES[word] then
         return ("%s, line %d: OpenMP has no '%s'%s"):format(label, line, word, options.hint(word, sorted_keys(DIRECTIVES)))
      end
   end
end

-- Whether a text may mention what does not stand in it: names that are pasted, or what is in a file.
local function hides_names(plain)
   return plain:find("##", 1, true) ~= nil or plain:find '#%s*include%s*"' ~= nil
end

-- The names that a text mentions, each with its first line, and whether it hides others; nil and what is wrong. A bracket that
-- is not closed would go on in what stands behind the text, where a compiler tells lines that are nobody's.
local function mentioned(text, label)
   local plain, line = tokens.without_comments(text)
   if not plain then return nil, ("%s, line %d: the comment does not end"):format(label, line) end
   if plain:find "\0" then return nil, ("%s: there is a zero byte in the text"):format(label) end
   local names, open = {}, {}
   for _, token in ipairs(tokens.of(plain)) do
      if token.kind == "name" then names[token.text] = names[token.text] or token.line end
      if token.kind == "sign" and token.text:find "^[%({%[]$" then open[#open + 1] = token end
      if token.kind == "sign" and CLOSES[token.text] then
         local opened = table.remove(open)
         if not opened or opened.text ~= CLOSES[token.text] then
            return nil, ("%s, line %d: '%s' closes nothing"):format(label, token.line, token.text)
         end
      end
   end
   if #open > 0 then return nil, ("%s, line %d: '%s' is not closed"):format(label, open[#open].line, open[#open].text) end
   local wrong = check_directives(plain, label)
   if wrong then return nil, wrong end
   return names, hides_names(plain)
end

-- ---- C ----

local HEAD = [[
#define _GNU_SOURCE
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include "kernels/cpu/vmath.h"
#define SCUTE_EXPORT __attribute__((visibility("default")))
]]

local ENTRY = "float *const *scute_out, const float *const *scute_in, const int64_t *const *scute_shapes, "
   .. "const int *scute_ranks, const double *scute_numbers, const int *scute_wanted"

-- What a body knows of a tensor beside its numbers. at: its place among the inputs and outputs.
local function add_shape(add, name, at)
   add("const int64_t *const " .. name .. "_shape", ("scute_shapes[%d]"):format(at))
   add("const int64_t *const " .. name .. "_stride", ("scute_shapes[%d] + %d"):format(at, MAXRANK))
   add("const int " .. name .. "_rank", ("scute_ranks[%d]"):format(at))
   add("const int64_t " .. name .. "_size", ("scute_size(scute_ranks[%d], scute_shapes[%d])"):format(at, at))
end

-- A body as a function of named arguments, and the one that is exported, which knows where they are.
local function add_function(lines, name, o, text, label)
   local parameters, arguments, nin, nout = {}, {}, #o.inputs, #o.outputs
   local function add(parameter, argument)
      parameters[#parameters + 1], arguments[#arguments + 1] = parameter, argument
   end
   for i, input in ipairs(o.inputs) do
      add("const float *const restrict " .. input, ("scute_in[%d]"):format(i - 1))
      add_shape(add, input, i - 1)
      if name == "backward" then
         add("float *const restrict g" .. input, ("scute_out[%d]"):format(i - 1))
         add("const bool g" .. input .. "_wanted", ("scute_wanted[%d]"):format(i - 1))
      end
   end
   for i, output in ipairs(o.outputs) do
      if name == "forward" then
         add("float *const restrict " .. output, ("scute_out[%d]"):format(i - 1))
      else
         add("const float *const restrict " .. output, ("scute_in[%d]"):format(nin + i - 1))
         add("const float *const restrict g" .. output, ("scute_in[%d]"):format(nin + nout + i - 1))
      end
      add_shape(add, output, nin + i - 1)
   end
   for i, number in ipairs(sorted_keys(o.numbers)) do
      add("const float " .. number, ("(float)scute_numbers[%d]"):format(i - 1))
   end
   local function line(format, ...) lines[#lines + 1] = format:format(...) end
   line("static void run_%s(%s) {", name, table.concat(parameters, ", "))
   line('#line 1 "%s"', label)
   lines[#lines + 1] = text .. "\n" -- for a \ at its end
   line('#line %d "%s"', tokens.last_line(text), label)
   line "}"
   line '#line 1 "scute"'
   line("SCUTE_EXPORT void scute_%s(%s) {", name, ENTRY)
   line("run_%s(%s); }", name, table.concat(arguments, ", "))
end

local SIZE = [[
static inline int64_t scute_size(int rank, const int64_t *shape) {
   int64_t n = 1;
   for (int i = 0; i < rank; i++) n *= shape[i];
   return n;
}]]

local function source_of(o, label)
   local lines = { HEAD, SIZE }
   add_function(lines, "forward", o, o.c, label .. ", c")
   if o.c_backward then add_function(lines, "backward", o, o.c_backward, label .. ", c_backward") end
   return table.concat(lines, "\n") .. "\n"
end

-- ---- compiling ----

-- The functions of vmath.h, and those of C of the same names.
local function functions_in(header)
   local list = {}
   for name in header:gmatch "static inline %w+ (sc_%w+f)%(" do
      list[#list + 1] = name
      list[#list + 1] = name:sub(4)
   end
   return list
end

-- C takes a function that it does not know for one that is elsewhere: which it is, and where it stands.
local function unknown_function(said, texts)
   local name = said:match "undefined symbol: ([%w_]+)" or said:match "undefined reference to `([%w_]+)'"
   for _, text in ipairs(name and texts or {}) do
      if text.names[name] then
         local near = scute.nearest(name, functions_in(build.header()))
         return ("%s, line %d: '%s' is not known%s"):format(text.label, text.names[name], name,
            near and ("; did you mean '%s'?"):format(near) or ": it is neither in C's library nor in kernels/cpu/vmath.h")
      end
   end
end

-- Another compiler than scute's own, or one without OpenMP, does without it: then there is one thread.
local WITHOUT = { {} }
local WITH_OPENMP = { { "-fopenmp" }, {} }

-- Compiles the op for the CPU; what is wrong. texts: { label, names = what stands in them, by name its line }.
local function compile(op, source, label, texts, check)
   local function load(flags, only_kept)
      return build.load { source = source, flags = flags, only_kept = only_kept,
         open = function(path) scute.own_whole_open(op, path, check) end }
   end
   local choices, problem = build.is_own() and WITH_OPENMP or WITHOUT, nil
   for _, flags in ipairs(choices) do
      if load(flags, true) then return nil end
   end
   for _, flags in ipairs(choices) do
      local done, failed = load(flags)
      if done then return nil end
      problem = problem or failed
      local words = failed.said and (build.user_error(failed.said) or unknown_function(failed.said, texts))
      if words then return words end
   end
   return build.explain(label, problem)
end

-- ---- calling ----

local function is_shape(value)
   if type(value) ~= "table" or #value > MAXRANK then return false end
   for key, size in pairs(value) do
      if math.type(key) ~= "integer" or key < 1 or key > #value then return false end
      if math.type(size) ~= "integer" or size < 1 then return false end
   end
   return true
end

local function shape_text(value)
   if type(value) ~= "table" then return tostring(value) end
   local parts = {}
   for i, size in ipairs(value) do parts[i] = tostring(size) end
   return "(" .. table.concat(parts, ", ") .. ")"
end

-- The arguments of a call by their names.
local function named_arguments(o, numbers, ...)
   local list, named = table.pack(...), {}
   local last = list[list.n]
   if type(last) == "table" and #last == 0 then
      for name, value in pairs(last) do named[name] = value end
      list.n = list.n - 1
   end
   if list.n > #o.inputs + #numbers then
      error(("%s: too many arguments: expected at most %d"):format(o.name, #o.inputs + #numbers), 3)
   end
   for i = 1, list.n do named[o.inputs[i] or numbers[i - #o.inputs]] = list[i] end
   for name in pairs(named) do
      if not o.known[name] then
         error(("%s: unknown argument '%s'%s"):format(o.name, tostring(name), options.hint(name, sorted_keys(o.known))), 3)
      end
   end
   return named
end

-- Adds the shapes of the outputs, as `shape` says, by default that of the first input. Of arguments that are no tensors the
-- call says what is wrong with them.
local function add_shapes(o, numbers, named)
   local given = {}
   for i, input in ipairs(o.inputs) do
      local value = named[input]
      if not is_tensor(value) and type(value) ~= "number" then
         named[o.outputs[1] .. "_shape"] = {} -- which makes them named arguments where there are no others
         return
      end
      given[i] = is_tensor(value) and value.shape or {}
   end
   for i, number in ipairs(numbers) do given[#o.inputs + i] = named[number] or o.numbers[number] end
   local made = o.shape and table.pack(o.shape(table.unpack(given, 1, #o.inputs + #numbers))) or { given[1], n = 1 }
   for i, output in ipairs(o.outputs) do
      local shape = made[i]
      if shape == nil and not o.shape then shape = given[1] end
      if not is_shape(shape) then
         error(("kernel '%s', shape: expected the shape of '%s', a list of up to %d whole numbers above 0, found %s")
            :format(o.name, output, MAXRANK, shape_text(shape)), 3)
      end
      named[output .. "_shape"] = shape
   end
   if made.n > #o.outputs then
      error(("kernel '%s', shape: expected %d shape%s, one for each output, found %d"):format(o.name, #o.outputs,
         #o.outputs == 1 and "" or "s", made.n), 3)
   end
end

-- A kernel may have a text for GPUs alone. (What has none for them is told when it is to be compiled.)
local function check_place(o, named)
   local x = named[o.inputs[1]]
   if o.c or not is_tensor(x) or x.device:find "^cuda" then return end
   error(("%s: it has no text for the CPU: give it one, as option 'c', or tensors on a GPU"):format(o.name), 3)
end

-- Raises what a call raised, as an error of the line that called the kernel; of what has its place already, as it is.
local function blame(problem, level)
   local text = console.message(problem)
   local has_place = text:find "^[^\n]-:%d+: "
   error(scute.error_like(problem, text), has_place and 0 or level)
end

local function caller(o, numbers, call)
   o.known = {}
   for _, list in ipairs { o.inputs, numbers } do
      for _, name in ipairs(list) do o.known[name] = true end
   end
   return function(_, ...)
      local named = named_arguments(o, numbers, ...)
      check_place(o, named)
      add_shapes(o, numbers, named)
      local results = table.pack(pcall(call, nil, named))
      if not results[1] then blame(results[2], 3) end
      return table.unpack(results, 2, results.n)
   end
end

-- ---- the op ----

-- Each output has to be written, and each gradient.
local function check_mentions(o, texts)
   local without = {}
   for _, name in ipairs(o.no_gradient) do without[name] = true end
   for _, text in ipairs(texts) do
      for _, name in ipairs(text.is_backward and {} or o.outputs) do
         if not text.names[name] then return ("%s: the output '%s' is never written"):format(text.label, name) end
      end
      for _, name in ipairs(text.is_backward and o.inputs or {}) do
         if not text.names["g" .. name] and not without[name] then
            return ("%s: 'g%s', the gradient of '%s', is never written; where it has none, say no_gradient = \"%s\"")
               :format(text.label, name, name, name)
         end
         if text.names["g" .. name] and without[name] then
            return ("%s: 'g%s' is there, but '%s' is among no_gradient"):format(text.label, name, name)
         end
      end
   end
end

-- A name must not be what the body knows of another one.
local function check_names(o)
   local taken, numbers = {}, sorted_keys(o.numbers)
   for _, list in ipairs { o.inputs, o.outputs } do
      for _, name in ipairs(list) do
         for _, what in ipairs { "shape", "stride", "rank", "size" } do
            taken[name .. "_" .. what] = ("the %s of '%s'"):format(what, name)
         end
         taken["g" .. name .. "_wanted"] = ("told of the gradient of '%s'"):format(name)
      end
   end
   for _, list in ipairs { o.inputs, o.outputs, numbers } do
      for _, name in ipairs(list) do
         if taken[name] then return ("kernel: '%s' is %s in c; give it another name"):format(name, taken[name]) end
      end
   end
   if #o.inputs + #o.outputs + #numbers > MOST then
      return ("kernel: expected at most %d inputs, outputs and numbers"):format(MOST)
   end
end

-- What backward mentions, of a CPU or a GPU, is kept for it.
local function describe(o, source, texts)
   local numbers, presets, used = sorted_keys(o.numbers), {}, {}
   for i, name in ipairs(numbers) do presets[i] = o.numbers[name] + 0.0 end
   for _, text in ipairs(texts) do
      for name in pairs(text.is_backward and text.names or {}) do used[name] = true end
   end
   return { name = o.name, kernel = "own_whole", shaped = true, doc = o.doc or "a whole function of a script",
      inputs = o.inputs, outputs = o.outputs, numbers = numbers, presets = presets, gradients = mask(o.inputs, used, "g"),
      keep_in = mask(o.inputs, used), keep_out = mask(o.outputs, used),
      text = identity(o, source or "", o.cuda or "", o.cuda_backward or "") }
end

--- What help() says of one.
function whole.help(o)
   local parts = table.move(o.inputs, 1, #o.inputs, 1, {})
   for _, name in ipairs(sorted_keys(o.numbers)) do parts[#parts + 1] = ("%s = %s"):format(name, o.numbers[name]) end
   return ("%s(%s) -> %s\n\n%s\n"):format(o.name, table.concat(parts, ", "), table.concat(o.outputs, ", "),
      o.doc or "A whole function of a script.")
end

-- Of a text that hides names: as if it mentioned all.
local function add_names(o, text)
   local without = {}
   for _, name in ipairs(o.no_gradient) do without[name] = true end
   for _, list in ipairs { o.inputs, o.outputs } do
      for _, name in ipairs(list) do
         text.names[name] = text.names[name] or 1
         if text.is_backward and not without[name] then text.names["g" .. name] = text.names["g" .. name] or 1 end
      end
   end
end

-- The texts that there are, with the names in each; nil and what is wrong.
local function read_texts(o, label)
   local texts = {}
   for _, option in ipairs { "c", "c_backward", "cuda", "cuda_backward" } do
      if o[option] then
         local text = { label = ("%s, %s"):format(label, option), is_backward = option:find "_backward" ~= nil }
         local names, hides_or_problem = mentioned(o[option], text.label)
         if not names then return nil, hides_or_problem end
         text.names = names
         if hides_or_problem then add_names(o, text) end
         texts[#texts + 1] = text
      end
   end
   return texts
end

--- The op of a whole function, by options that go together: what calls it as an object's __call, and the op; nil and what is
-- wrong.
function whole.op(o)
   local label = ("kernel '%s'"):format(o.name)
   local problem = check_names(o)
   if problem then return nil, problem end
   local texts
   texts, problem = read_texts(o, label)
   problem = problem or check_mentions(o, texts)
   if problem then return nil, problem end
   local source = o.c and source_of(o, label)
   local declaration = describe(o, source, texts)
   local call, op = scute.own_op(declaration)
   if o.cuda then
      local grid, grid_backward = cuda_whole.grid(o, "grid"), cuda_whole.grid(o, "grid_backward")
      cuda.offer(op, function() return cuda_whole.source(o) end, grid, grid_backward)
   end
   if o.c and not scute.own_op_has_code(op) then problem = compile(op, source, label, texts, o.check) end
   if problem then return nil, problem end
   return caller(o, declaration.numbers, call), op
end

return whole
