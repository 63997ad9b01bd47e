#ifndef APP_UI_FILE_H
#define APP_UI_FILE_H

#include "base/err.h"
#include "base/profile.h"
#include "screens/ui.h"

/*
 * Where a console keeps how it was set: $XDG_STATE_HOME/muster/NAME-HASH.ini (~/.local/state
 * without it), a file per person and profile; HASH is of the profile's path, because two folders
 * may have a profile of the same name. Read when the console opens, written whole when something
 * changed. -1 and err: no home, or the file cannot be read or written; a missing one is fine.
 */
int ui_file_load(const struct profile *p, struct ui *ui, struct err *err);
int ui_file_save(const struct profile *p, const struct ui *ui, struct err *err);

#endif
