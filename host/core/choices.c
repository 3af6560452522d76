#include "host/core/choices.h"

ScChoices *sc_choices(void) {
   static ScChoices choices = {.tf32_convolutions = true};
   return &choices;
}
