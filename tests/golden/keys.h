#ifndef GOLDEN_KEYS_H
#define GOLDEN_KEYS_H

#include "screens/ui.h"

/*
 * Types a script into the ui: characters are themselves, <Enter> <Esc> <Tab> <S-Tab> <Up> <Down>
 * <PgUp> <PgDn> <Home> <End> <Left> <Right> <BS> <Del> <Space> <C-x> <F1> by name, <lt> for '<'. A
 * picture is drawn after each key, as the program would. The effects of the last key that had any
 * are left in `last` (may be NULL).
 */
void keys_type(struct ui *ui, const struct ui_model *m, struct canvas *c, const char *script,
               struct ui_effects *last);

#endif
