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
}

list.bad = {
   { op = "dropout", inputs = { x = { shape = { 2 } } }, attrs = { p = 1.5 }, message = "'p': expected 0 to 1, found 1.5" },
   { op = "dropout", inputs = { x = { shape = { 2 }, dtype = "i64", low = 1, high = 2 } }, message = "expected a floating" },
}
return list
