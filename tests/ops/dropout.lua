-- Cases of dropout. PyTorch draws other numbers, so that only masks that are not random have golden numbers; that the
-- random ones have the right frequency is checked in tests/c/test_tape.c.
local list = {
   { op = "dropout", name = "evaluating", inputs = { x = { shape = { 4, 5 } } }, attrs = { p = 0.5, training = false } },
   { op = "dropout", name = "probability 0", inputs = { x = { shape = { 2, 3, 4, 5 } } }, attrs = { p = 0 } },
   { op = "dropout", name = "half", inputs = { x = { shape = { 67 } } }, attrs = { p = 0.5 }, golden = false },
   { op = "dropout", name = "a fifth of a picture", inputs = { x = { shape = { 2, 3, 4, 5 } } }, attrs = { p = 0.2 },
      golden = false },
   { op = "dropout", name = "several blocks", inputs = { x = { shape = { 3, 9001 } } }, attrs = { p = 0.3 },
      golden = false, numeric = false },
   { op = "dropout", name = "keys of rows", attrs = { p = 0.4 }, golden = false,
      inputs = { x = { shape = { 5, 13 } }, keys = { shape = { 5 }, dtype = "i64", low = -1000, high = 1000 } } },
   { op = "dropout", name = "keys of pictures", attrs = { p = 0.2 }, golden = false,
      inputs = { x = { shape = { 3, 3, 4, 5 } }, keys = { shape = { 3 }, dtype = "i64", low = -1000, high = 1000 } } },
   { op = "dropout", name = "keys, several blocks", attrs = { p = 0.3 }, golden = false, numeric = false,
      inputs = { x = { shape = { 3, 9001 } }, keys = { shape = { 3 }, dtype = "i64", low = 1, high = 9 } } },
   { op = "dropout", name = "keys, evaluating", attrs = { p = 0.3, training = false }, golden = false,
      inputs = { x = { shape = { 2, 3 } }, keys = { shape = { 2 }, dtype = "i64", low = 1, high = 9 } } },
}

list.bad = {
   { op = "dropout", inputs = { x = { shape = { 2 } } }, attrs = { p = 1.5 }, message = "'p': expected 0 to 1, found 1.5" },
   { op = "dropout", inputs = { x = { shape = { 2 }, dtype = "i64", low = 1, high = 2 } }, message = "expected a floating" },
   { op = "dropout", inputs = { x = { shape = { 2, 3 } }, keys = { shape = { 3 }, dtype = "i64", low = 1, high = 2 } },
      message = "'keys': expected i64 with a number for each row of x %(2, 3%), found i64 %(3%)" },
   { op = "dropout", inputs = { x = { shape = { 2, 3 } }, keys = { shape = { 2 } } },
      message = "'keys': expected i64 with a number for each row of x %(2, 3%), found f32 %(2%)" },
   { op = "dropout", inputs = { x = { shape = {} }, keys = { shape = { 1 }, dtype = "i64", low = 1, high = 2 } },
      message = "'keys': expected i64 with a number for each row of x" },
}
return list
