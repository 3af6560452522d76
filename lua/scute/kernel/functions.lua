-- What may be called in the text of a kernel, with what stands for it in float and in double on a CPU. Everything else in such
-- a text is C: numbers, locals, if, loops, ?:.
--
-- Each entry: name, number of arguments, name in float, name in double, what it is. Those of vmath.h (sc_...) have no branches,
-- so that loops vectorise; NaN and infinity behave as in the C library.
local LIST = {
   { "exp", 1, "sc_expf", "exp", "e to the power x" },
   { "exp2", 1, "sc_exp2f", "exp2", "2 to the power x" },
   { "expm1", 1, "sc_expm1f", "expm1", "exp(x) - 1, exact for small x too" },
   { "log", 1, "sc_logf", "log", "the natural logarithm" },
   { "log2", 1, "sc_log2f", "log2", "the logarithm to base 2" },
   { "log10", 1, "sc_log10f", "log10", "the logarithm to base 10" },
   { "log1p", 1, "sc_log1pf", "log1p", "log(1 + x), exact for small x too" },
   { "sqrt", 1, "sqrtf", "sqrt", "the square root" },
   { "rsqrt", 1, "sc_rsqrtf", "rsqrt", "1 / sqrt(x)" },
   { "cbrt", 1, "sc_cbrtf", "cbrt", "the cube root" },
   { "pow", 2, "sc_powf", "pow", "x to the power y" },
   { "sin", 1, "sc_sinf", "sin", "the sine, in radians" },
   { "cos", 1, "sc_cosf", "cos", "the cosine, in radians" },
   { "tan", 1, "sc_tanf", "tan", "the tangent, in radians" },
   { "asin", 1, "sc_asinf", "asin", "the inverse sine" },
   { "acos", 1, "sc_acosf", "acos", "the inverse cosine" },
   { "atan", 1, "sc_atanf", "atan", "the inverse tangent" },
   { "atan2", 2, "sc_atan2f", "atan2", "the angle of the point (x, y), of y and x" },
   { "sinh", 1, "sc_sinhf", "sinh", "the hyperbolic sine" },
   { "cosh", 1, "sc_coshf", "cosh", "the hyperbolic cosine" },
   { "tanh", 1, "sc_tanhf", "tanh", "the hyperbolic tangent" },
   { "sigmoid", 1, "sc_sigmoidf", "scute_sigmoid", "1 / (1 + exp(-x))" },
   { "relu", 1, "sc_reluf", "scute_relu", "x where it is above 0, else 0" },
   { "silu", 1, "sc_siluf", "scute_silu", "x * sigmoid(x)" },
   { "gelu", 1, "sc_geluf", "scute_gelu", "x times the share of normal numbers below x" },
   { "softplus", 1, "sc_softplusf", "scute_softplus", "log(1 + exp(x))" },
   { "sign", 1, "sc_signf", "scute_sign", "-1, 0 or 1; NaN of NaN" },
   { "erf", 1, "sc_erff", "erf", "the error function" },
   { "erfc", 1, "sc_erfcf", "erfc", "1 - erf(x), exact for large x too" },
   { "abs", 1, "fabsf", "fabs", "the magnitude" },
   { "fabs", 1, "fabsf", "fabs", "the magnitude" },
   { "min", 2, "scute_min", "scute_min64", "the smaller one; NaN where one is" },
   { "max", 2, "scute_max", "scute_max64", "the larger one; NaN where one is" },
   { "fmin", 2, "scute_fmin", "scute_fmin64", "the smaller one; the other where one is NaN" },
   { "fmax", 2, "scute_fmax", "scute_fmax64", "the larger one; the other where one is NaN" },
   { "clamp", 3, "sc_clampf", "scute_clamp", "x, at least the second and at most the third; NaN of NaN" },
   { "fmod", 2, "sc_fmodf", "fmod", "what x / y leaves, with the sign of x" },
   { "floor", 1, "floorf", "floor", "the largest whole number that is at most x" },
   { "ceil", 1, "ceilf", "ceil", "the smallest whole number that is at least x" },
   { "trunc", 1, "truncf", "trunc", "x without its fraction" },
   { "round", 1, "rintf", "rint", "the nearest whole number, halves to the even one, as scute.round" },
   { "copysign", 2, "copysignf", "copysign", "x with the sign of y" },
   { "isnan", 1, "scute_isnan", "scute_isnan64", "1 of NaN, 0 of numbers" },
   { "isinf", 1, "scute_isinf", "scute_isinf64", "whether x is infinite" },
}

local functions = { list = LIST, by_name = {} }

-- By name, and the names of C and CUDA that stand for one.
functions.meant = {}
for _, entry in ipairs(LIST) do
   functions.by_name[entry[1]] = entry
   for column = 3, 4 do functions.meant[entry[column]:gsub("^sc_", "")] = true end
end

--- The names that stand for numbers, with their values in float and in double, of C and of CUDA.
functions.constants = {
   { "M_PI", "3.14159265358979323846f", "3.14159265358979323846" },
   { "INFINITY", "INFINITY", "INFINITY", "__int_as_float(0x7f800000)", "__longlong_as_double(0x7ff0000000000000ll)" },
   { "NAN", "NAN", "NAN", "__int_as_float(0x7fffffff)", "__longlong_as_double(0x7fffffffffffffffll)" },
}

return functions
