#ifndef APP_PLAN_HELP_H
#define APP_PLAN_HELP_H

#include "screens/ui.h"
#include "store/store.h"

/* What the console's new-rollout dialog asks of the app: saved plans, time zones of this machine,
 * and what the journal knows of devices. */
struct plan_help;
struct plan_help *plan_help_new(struct store *store); /* the store outlives it */
void plan_help_free(struct plan_help *help);          /* NULL is fine */

#define PLAN_HELP_TEMPLATES 32 /* that the dialog offers, by name */

/* Read the saved plans again. */
void plan_help_refresh(struct plan_help *help);
/* Fill m->templates and m->lookup; valid until the next refresh. */
void plan_help_model(struct plan_help *help, struct ui_model *m);

#endif
