#include "internal.h"

#include <string.h>

/* Why a device is in its state. The fleet knows the rule; the alert also the value and since when.
 */

void device_why(const struct ui_model *m, const struct fleet_device *d, char *out, size_t cap)
{
    const struct alert *alert;
    char rule[ALERT_TEXT_MAX];

    fleet_why(m->fleet, d, m->now_ms, out, cap);
    if (!m->alerts || LINK_DOWN(m) || (d->state != FLEET_CRIT && d->state != FLEET_WARN) ||
        alerts_of(m->alerts, d->index, &alert, 1) == 0 || alert->silenced)
        return;
    alert_rule_text(alerts_rule(m->alerts, alert->rule), rule, sizeof(rule));
    if (strncmp(out, rule, strlen(out)) == 0) /* it is that alert which makes its state */
        alerts_say(m->alerts, alert, m->now_ms, out, cap);
}
