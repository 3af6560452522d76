-- NaN among numbers: the largest of them and the least, where there is one, and the first is the place of both. Programs
-- compare with it in any way, so the files say it themselves.
local nan = {}

--- 1 where x is NaN and 0 elsewhere.
function nan.flags(g, x)
   return g:cast(g:node("IsNaN", { x }), "f32")
end

--- Whether there is one among what is reduced. axes: their name, false: all.
function nan.among(g, flags, axes, keepdim)
   return g:node("Greater", { g:node("ReduceMax", { flags, axes or nil }, { keepdims = keepdim }), g:number(0) })
end

--- `value`, of dtype and made of x by a reduction, or NaN.
function nan.over(g, x, value, dtype, axes, keepdim)
   return g:node("Where", { nan.among(g, nan.flags(g, x), axes, keepdim), g:number(0 / 0, dtype), value })
end

return nan
