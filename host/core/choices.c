#include "host/core/choices.h"

ScChoices *sc_choices(void) {
   static ScChoices choices;
   return &choices;
}
