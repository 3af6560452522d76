-- Principal components of features: block power iteration on X'X with a Rayleigh-Ritz step, so that neither the N x N nor the
-- F x F matrix is ever made.
local scute = require "scute"
local is_tensor = require("scute.nn.module").is_tensor
local console = require "scute.base.console"

local pca = {}

local EXTRA, MOST, ENOUGH = 6, 200, 1e-7 -- further vectors for speed; iterations; change of the vectors that ends them

local function dot(a, b)
   local sum = 0.0
   for i = 1, #a do sum = sum + a[i] * b[i] end
   return sum
end

-- Modified Gram-Schmidt, twice. A column that is nothing but the others becomes zero.
local function orthonormalise(columns)
   for k, column in ipairs(columns) do
      local before = math.sqrt(dot(column, column))
      for _ = 1, 2 do
         for j = 1, k - 1 do
            local share = dot(columns[j], column)
            for i = 1, #column do column[i] = column[i] - share * columns[j][i] end
         end
      end
      local norm = math.sqrt(dot(column, column))
      local factor = norm > 1e-7 * before and norm > 1e-30 and 1 / norm or 0
      for i = 1, #column do column[i] = column[i] * factor end
   end
   return columns
end

-- Eigenvalues and eigenvectors (as rows) of a symmetric matrix by cyclic Jacobi rotations, the largest first
-- (Golub and Van Loan, Matrix Computations, 8.5).
local function eigen(a)
   local n, v = #a, {}
   for i = 1, n do
      v[i] = {}
      for j = 1, n do v[i][j] = i == j and 1.0 or 0.0 end
   end
   for _ = 1, 50 do
      local off = 0.0
      for p = 1, n - 1 do
         for q = p + 1, n do
            off = off + a[p][q] ^ 2
            if a[p][q] ~= 0 then
               local theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
               local t = (theta >= 0 and 1 or -1) / (math.abs(theta) + math.sqrt(theta * theta + 1))
               local c = 1 / math.sqrt(t * t + 1)
               local s = t * c
               for k = 1, n do a[k][p], a[k][q] = c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q] end
               for k = 1, n do a[p][k], a[q][k] = c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k] end
               for k = 1, n do v[p][k], v[q][k] = c * v[p][k] - s * v[q][k], s * v[p][k] + c * v[q][k] end
            end
         end
      end
      if off == 0 or off < 1e-30 * a[1][1] ^ 2 then break end
   end
   local order = {}
   for i = 1, n do order[i] = i end
   table.sort(order, function(i, j) return a[i][i] > a[j][j] end)
   local values, vectors = {}, {}
   for k, i in ipairs(order) do values[k], vectors[k] = a[i][i], v[i] end
   return values, vectors
end
pca.eigen = eigen

-- The first vectors: fixed numbers in which no direction is left out.
local function start(count, width)
   local columns, state = {}, 12345
   for k = 1, count do
      columns[k] = {}
      for i = 1, width do
         state = (state * 1103515245 + 12345) & 0x7fffffff
         columns[k][i] = state / 0x40000000 - 1
      end
   end
   return orthonormalise(columns)
end

local function combine(rows, columns)
   local out = {}
   for k, row in ipairs(rows) do
      local sum = {}
      for i = 1, #columns[1] do sum[i] = 0.0 end
      for j, weight in ipairs(row) do
         local column = columns[j]
         for i = 1, #column do sum[i] = sum[i] + weight * column[i] end
      end
      out[k] = sum
   end
   return out
end

-- Each component points to where its largest entry is positive, as scikit-learn's do.
local function fix_signs(columns)
   for _, column in ipairs(columns) do
      local largest = 1
      for i = 2, #column do
         if math.abs(column[i]) > math.abs(column[largest]) * (1 + 1e-6) then largest = i end
      end
      if column[largest] < 0 then
         for i = 1, #column do column[i] = -column[i] end
      end
   end
end

local function iterate(x, count)
   local width, n = x.shape[2], x.shape[1]
   local columns = start(math.min(count + EXTRA, width, n), width)
   local transposed <close> = x:transpose(1, 2)
   local values
   for _ = 1, MOST do
      local q <close> = scute.tensor(columns)            -- (k, F)
      local qt <close> = q:transpose(1, 2)               -- (F, k)
      local y <close> = x:matmul(qt)                     -- (N, k)
      local z <close> = transposed:matmul(y)             -- (F, k)
      local zt <close> = z:transpose(1, 2)
      local images, small = zt:totable(), {}
      for i = 1, #columns do
         small[i] = {}
         for j = 1, #columns do small[i][j] = dot(columns[i], images[j]) end
      end
      for i = 1, #columns do
         for j = 1, i - 1 do
            small[i][j] = (small[i][j] + small[j][i]) / 2
            small[j][i] = small[i][j]
         end
      end
      local vectors
      values, vectors = eigen(small)
      local ritz = combine(vectors, columns)
      columns = orthonormalise(combine(vectors, images))
      local change = 0
      for k = 1, math.min(count, #columns) do change = math.max(change, 1 - math.abs(dot(columns[k], ritz[k]))) end
      if change < ENOUGH * ENOUGH + 1e-13 then break end
   end
   return columns, values
end

--- The first `count` (default 2) principal components of x, f32 (N, F).
-- Returns { points = N rows of `count` coordinates, components = `count` rows of F, explained = share of the variance of
-- each }. The signs are fixed. Features that are all equal give zeros.
function pca.fit(x, count)
   count = count or 2
   if not is_tensor(x) or #x.shape ~= 2 then
      error("pca: expected features (N, F), found " .. console.brief(x), 2)
   end
   return scute.no_grad(function()
      local f <close> = x:to { device = "cpu", dtype = "f32" }
      local mean <close> = f:mean(1)
      local centered <close> = f - mean
      local squares <close> = centered * centered
      local total <close> = squares:sum()
      local variance = total:item()
      if variance ~= variance or variance == math.huge then error("pca: the features hold NaN or infinity", 0) end
      local columns, values = iterate(centered, count)
      local components, explained = {}, {}
      for k = 1, count do
         components[k] = columns[k] or {}
         for i = 1, f.shape[2] do components[k][i] = components[k][i] or 0.0 end
         explained[k] = variance > 0 and (values[k] or 0) / variance or 0
      end
      fix_signs(components)
      local basis <close> = scute.tensor(components)
      local turned <close> = basis:transpose(1, 2)
      local points <close> = centered:matmul(turned)
      return { points = points:totable(), components = components, explained = explained }
   end)
end

return pca
