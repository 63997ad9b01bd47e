#ifndef APP_DEVICE_ACTS_H
#define APP_DEVICE_ACTS_H

#include "base/log.h"
#include "screens/ui.h"
#include "store/store.h"

/*
 * The commands of the device on the screen with their answers, and its updates: from the journal,
 * from the history (answers that came before this console), and from what the fleet has just heard.
 * Read when the device changes, when there is a new answer, and every two seconds.
 */
struct device_acts;
/* All must outlive it. Free with device_acts_free(). */
struct device_acts *device_acts_new(const char *journal, const struct log *log);
void device_acts_free(struct device_acts *a); /* NULL is fine */
/* `id` "": no device is on the screen. True when there is something new to draw. */
bool device_acts_work(struct device_acts *a, struct store *store, const struct fleet *fleet,
                      const char *id, int64_t now_ms);
const struct ui_device_acts *device_acts_picture(const struct device_acts *a);

#endif
